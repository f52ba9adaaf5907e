using System.Runtime.InteropServices;

namespace Telemetry.Device.Platform
{
    /// <summary>The operating system's monotonic and wall clocks.</summary>
    /// <remarks>Wall time of a computer is kept by its operating system, so <see cref="SetWallUnixMs"/> leaves it alone. Uptime moves in the system's
    /// ticks, of 1 to 16 ms, and stands still while the computer is suspended, as <c>Environment.TickCount64</c> does.</remarks>
    public sealed class SystemClock : IClock
    {
        private const int MonotonicCoarse = 6; // CLOCK_MONOTONIC_COARSE of linux/time.h
        private const long MsPerSecond = 1000;
        private const long NsPerMs = 1_000_000;

        // The clock behind TickCount64, read without the runtime's change of mode: two thirds of the time, and Record reads it once a call.
        private static readonly bool _readsDirectly = System.OperatingSystem.IsLinux() && System.Environment.Is64BitProcess && TryRead();

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
                if (!_readsDirectly) return System.Environment.TickCount64;
                Timespec now = default;
                unsafe
                {
                    _ = ReadClock(MonotonicCoarse, &now);
                }

                return (now.Seconds * MsPerSecond) + (now.Nanoseconds / NsPerMs);
            }
        }

        public long ReadWallUnixMs()
        {
            return _trustsWall ? _wall.GetUtcNow().ToUnixTimeMilliseconds() : 0;
        }

        public void SetWallUnixMs(long unixMs)
        {
        }

        private static unsafe bool TryRead()
        {
            try
            {
                Timespec now = default;
                return ReadClock(MonotonicCoarse, &now) == 0;
            }
            catch (System.Exception e) when (e is System.DllNotFoundException or System.EntryPointNotFoundException)
            {
                return false; // not a libc of the usual name
            }
        }

        [DllImport("libc", EntryPoint = "clock_gettime"), SuppressGCTransition]
        private static extern unsafe int ReadClock(int clock, Timespec* time);

        // struct timespec of a 64-bit Linux.
        [StructLayout(LayoutKind.Sequential)]
        private struct Timespec
        {
            public long Seconds;
            public long Nanoseconds;
        }
    }
}
