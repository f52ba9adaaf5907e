namespace Telemetry.Device
{
    /// <summary>Why the device started; the values of signal <c>sdk_boot</c>. Numbers never change.</summary>
    public enum BootReason
    {
        /// <summary>The platform does not tell.</summary>
        Unknown = 0,

        /// <summary>Power came, or the battery was changed.</summary>
        PowerOn = 1,

        /// <summary>A watchdog bit.</summary>
        Watchdog = 2,

        /// <summary>The supply sagged.</summary>
        Brownout = 3,

        /// <summary>The firmware failed: an unhandled exception, a fault of the chip.</summary>
        Crash = 4,

        /// <summary>New firmware.</summary>
        Update = 5,

        /// <summary>Asked for by the user or the firmware.</summary>
        Requested = 6,

        /// <summary>Woken from deep sleep, which forgot RAM.</summary>
        DeepSleep = 7,
    }
}
