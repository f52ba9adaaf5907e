// nanoFramework.CoreLibrary 1.17: threads, locks, events. Monitor has no TryEnter and no Wait, Thread no IsBackground.
namespace System.Threading
{
    public delegate void ThreadStart();

    public sealed class Thread
    {
        public Thread(ThreadStart start) { }
        public static Thread CurrentThread { get { throw null; } }
        public int ManagedThreadId { get { throw null; } }
        public void Start() { throw null; }
        public void Join() { throw null; }
        public static void Sleep(int millisecondsTimeout) { throw null; }
    }

    public static class Monitor
    {
        public static void Enter(object obj) { throw null; }
        public static void Exit(object obj) { throw null; }
    }

    public abstract class WaitHandle
    {
        public virtual bool WaitOne(int millisecondsTimeout, bool exitContext) { throw null; }
    }

    public sealed class AutoResetEvent : WaitHandle
    {
        public AutoResetEvent(bool initialState) { }
        public bool Set() { throw null; }
    }
}
