// nanoFramework.Runtime.Native 1.7.
namespace System
{
    public static class Environment
    {
        public static long TickCount64 { get { throw null; } }
    }
}

namespace nanoFramework.Runtime.Native
{
    public static class GC
    {
        public static uint Run(bool compactHeap) { throw null; }
    }

    public static class Rtc
    {
        public static void SetSystemTime(System.DateTime dt) { throw null; }
    }
}
