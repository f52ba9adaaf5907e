using System.Threading;

namespace Telemetry.Device.Platform
{
    /// <summary>What two threads need to share a ring without a lock. The interpreter runs one managed thread at a time, so plain access is ordered.</summary>
    internal static class Ordered
    {
        /// <summary>Number of the calling thread, never 0.</summary>
        public static int ThreadId
        {
            get { return Thread.CurrentThread.ManagedThreadId; }
        }

        /// <summary>Reads what another thread stored.</summary>
        public static int Load(ref int location)
        {
            return location;
        }

        /// <summary>Writes for another thread to read.</summary>
        public static void Store(ref int location, int value)
        {
            location = value;
        }
    }
}
