namespace Telemetry.Device.Platform
{
    /// <summary>What the SDK cannot measure by itself. Needed only when the profile asks for it.</summary>
    /// <remarks>Called from the pump; returns at once.</remarks>
    public interface IHealth
    {
        /// <summary>Charge of the battery, 0..100 percent; -1 = not known.</summary>
        int BatteryPercent { get; }

        /// <summary>Memory left for the firmware, in bytes; -1 = not known.</summary>
        long FreeMemoryBytes { get; }
    }
}
