using System.Runtime.InteropServices;

namespace Telemetry.Device.Platform
{
    /// <summary>The operating system's monotonic and wall clocks.</summary>
    /// <remarks>Wall time of a computer is kept by its operating system, so <see cref="SetWallUnixMs"/> leaves it alone. Uptime moves in the system's
    /// ticks, of 1 to 16 ms, and stands still while the computer is suspended, as <c>Environment.TickCount64</c> does.</remarks>
    public sealed unsafe class SystemClock : IClock
    {
        private const int MonotonicCoarse = 6; // CLOCK_MONOTONIC_COARSE of linux/time.h
        private const ulong MsPerSecond = 1000;
        private const ulong NsPerMs = 1_000_000;

        // clock_gettime: the clock behind TickCount64, read without the runtime's change of mode and past libc. Record reads it once a call, and this
        // is half of the time. Null = not a 64-bit Linux.
        private static readonly delegate* unmanaged[SuppressGCTransition]<int, Timespec*, int> _read = FindRead();

        private readonly System.TimeProvider _wall;
        private readonly bool _trustsWall;

        /// <summary>The machine's clocks.</summary>
        /// <param name="trustsWall">False for a device whose wall clock is not to be believed until the collector says the time.</param>
        public SystemClock(bool trustsWall)
        {
            _wall = System.TimeProvider.System;
            _trustsWall = trustsWall;
        }

        public long UptimeMs
        {
            get
            {
                if (_read == null) return System.Environment.TickCount64;
                Timespec now;
                _ = _read(MonotonicCoarse, &now);

                // Both are unsigned to save the division's sign: an uptime is.
                return (long)((now.Seconds * MsPerSecond) + (now.Nanoseconds / NsPerMs));
            }
        }

        public long ReadWallUnixMs()
        {
            return _trustsWall ? _wall.GetUtcNow().ToUnixTimeMilliseconds() : 0;
        }

        public void SetWallUnixMs(long unixMs)
        {
        }

        // The page that the kernel maps into every process (vdso(7)) holds the function under an architecture's own name; libc's asks it in turn.
        private static delegate* unmanaged[SuppressGCTransition]<int, Timespec*, int> FindRead()
        {
            if (!System.OperatingSystem.IsLinux() || !System.Environment.Is64BitProcess) return null;
            string name = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? "__vdso_clock_gettime" : "__kernel_clock_gettime";
            if (!TryFind("linux-vdso.so.1", name, out nint found) && !TryFind("libc", "clock_gettime", out found)) return null;
            var read = (delegate* unmanaged[SuppressGCTransition]<int, Timespec*, int>)found;
            Timespec now;
            return read(MonotonicCoarse, &now) == 0 ? read : null;
        }

        private static bool TryFind(string library, string name, out nint found)
        {
            found = 0;
            return NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, name, out found);
        }

        // struct timespec of a 64-bit Linux.
        [StructLayout(LayoutKind.Sequential)]
        private struct Timespec
        {
            public ulong Seconds;
            public ulong Nanoseconds;
        }
    }
}
