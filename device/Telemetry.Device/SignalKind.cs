namespace Telemetry.Device
{
    /// <summary>How a signal's samples combine over time; the numbers are those of a profile (proto/WIRE.md, "Profile").</summary>
    public enum SignalKind : byte
    {
        /// <summary>A level at an instant, such as heart rate.</summary>
        Gauge = 1,

        /// <summary>Things counted since the previous sample, such as steps.</summary>
        Counter = 2,

        /// <summary>A state that holds until the next sample, such as a door.</summary>
        State = 3,

        /// <summary>Something that happened at an instant, such as a button press: sealed and sent at once, before any backlog.</summary>
        Event = 4,

        /// <summary>An IEEE double, where no integer scale fits.</summary>
        Real = 5,
    }
}
