using System.Threading;

namespace Telemetry.Device.Platform
{
    /// <summary>What two threads need to share a ring without a lock. The nano twin is plain: its interpreter runs one thread at a time.</summary>
    internal static class Ordered
    {
        /// <summary>Reads with acquire order: what was stored before the other side's <see cref="Store"/> is seen.</summary>
        public static int Load(ref int location)
        {
            return Volatile.Read(ref location);
        }

        /// <summary>Writes with release order.</summary>
        public static void Store(ref int location, int value)
        {
            Volatile.Write(ref location, value);
        }
    }
}
