using System.Threading;

namespace Telemetry.Device.Platform
{
    /// <summary>The one thread that may write the ring, known by its number.</summary>
    internal struct RingOwner
    {
        private long _id; // 0 = nobody's yet

        /// <summary>Who calls.</summary>
        public static long Caller
        {
            get { return Thread.CurrentThread.ManagedThreadId; }
        }

        /// <summary>The caller is the owner.</summary>
        public bool Is(long caller)
        {
            return _id == caller;
        }

        /// <summary>Makes the caller the owner when there was none. Under the client's lock.</summary>
        public void Claim(long caller)
        {
            if (_id == 0) _id = caller;
        }
    }
}
