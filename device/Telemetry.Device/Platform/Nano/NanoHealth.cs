using nanoFramework.Runtime.Native;

namespace Telemetry.Device.Platform
{
    /// <summary>Free bytes of the managed heap. The battery is the board's: derive from this and answer for it.</summary>
    public class NanoHealth : IHealth
    {
        /// <summary>-1: a board knows its own.</summary>
        public virtual int BatteryPercent
        {
            get { return -1; }
        }

        /// <summary>Collects garbage to know what is free: ask rarely.</summary>
        public long FreeMemoryBytes
        {
            get { return GC.Run(false); }
        }
    }
}
