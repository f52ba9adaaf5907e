using System.Runtime.CompilerServices;
using System.Threading;

namespace Telemetry.Device.Platform
{
    /// <summary>The one thread that may write the ring, known by its stack: no two threads that live share one.</summary>
    /// <remarks>
    /// An address in the caller's frame costs one instruction; asking the runtime for the thread costs a call and four loads that follow each other, half of
    /// a Record. A thread that begins on the stack of an owner that has ended is the owner from then on. Until one does, everybody takes the lock: that
    /// nobody runs on a stack cannot be known, so ownership never moves to another.
    /// </remarks>
    internal struct RingOwner
    {
        // The owner's frames lie at most this far below the highest that was seen; others of its frames take the lock. What the runtime calls sufficient
        // stack (64 KiB and more) is four times as much, so all of it is the owner's.
        private const ulong KnownBytes = 16 * 1024;

        private Thread? _thread;
        private long _top; // address; 0 = nobody's yet

        /// <summary>Where the caller stands: in its own frame, because this is always inlined.</summary>
        public static unsafe long Caller
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining), SkipLocalsInit]
            get
            {
                byte here;
                return (long)&here;
            }
        }

        /// <summary>The caller is the owner.</summary>
        /// <param name="caller"><see cref="Caller"/> of a frame that is alive.</param>
        public bool Is(long caller)
        {
            return (ulong)(_top - caller) < KnownBytes;
        }

        /// <summary>Makes the caller the owner when there was none, and knows the owner by its highest frame. Under the client's lock.</summary>
        public void Claim(long caller)
        {
            if (_thread == null && RuntimeHelpers.TryEnsureSufficientExecutionStack()) _thread = Thread.CurrentThread;
            if (ReferenceEquals(_thread, Thread.CurrentThread) && caller > _top && RuntimeHelpers.TryEnsureSufficientExecutionStack()) _top = caller;
        }
    }
}
