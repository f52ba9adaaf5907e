using System.Threading;

namespace Telemetry.Device.Platform
{
    /// <summary>What two threads need to share a ring without a lock. The interpreter runs one managed thread at a time, so plain access is ordered.</summary>
    internal static class Ordered
    {
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

    /// <summary>The one thread that may write the ring.</summary>
    internal sealed class RingOwner
    {
        private int _id; // 0 = none yet

        /// <summary>The caller is the owner.</summary>
        public bool IsCaller
        {
            get { return _id == Thread.CurrentThread.ManagedThreadId; }
        }

        /// <summary>Makes the caller the owner when there is none. Under the client's lock.</summary>
        public void Claim()
        {
            if (_id == 0) _id = Thread.CurrentThread.ManagedThreadId;
        }
    }
}
