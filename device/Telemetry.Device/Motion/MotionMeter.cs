using System;

namespace Telemetry.Device.Motion
{
    /// <summary>
    /// Makes activity counts, steps, cadence and tilt of raw acceleration, five seconds at a time: a band that records these sends four numbers where it had 300. They are what a collector derives of
    /// the raw signals accel_x, accel_y and accel_z itself, so a fleet may have both kinds (collector/Telemetry.Scenarios/Features/FEATURES.md, "Raw motion").
    /// </summary>
    /// <remarks>
    /// <code>
    /// if (meter.Add(x, y, z, client.UptimeMs))
    /// {
    ///     client.Record(Signals.Motion, meter.ActivityCounts);
    ///     client.Record(Signals.Steps, meter.Steps);
    ///     client.Record(Signals.Cadence, meter.Cadence);
    /// }
    /// </code>
    /// One thread. Integers alone, no allocation after construction: two bytes a sample of a window (1 KB at 100 Hz).
    /// </remarks>
    public sealed class MotionMeter
    {
        /// <summary>Length of a window, ms.</summary>
        public const int WindowMs = 5000;

        private const int LongestGapMs = 500;   // a window does not reach over a hole
        private const int LeastWindowMs = 2000;
        private const int MsOfLeastRate = 100;  // 10 Hz: below that, steps cannot be told
        private const int MostPerAxis = 4000;   // 40 m/s2; keeps sums of squares in 31 bits
        private const int LeastSwing = 60;      // 0.6 m/s2 either side of the mean: less is no step
        private const int LeastSteps = 3;       // fewer in a window are a wobble

        // Cosine of 0, 10, ... 180 degrees, thousandths.
        private static readonly short[] CosineOfTens = { 1000, 985, 940, 866, 766, 643, 500, 342, 174, 0, -174, -342, -500, -643, -766, -866, -940, -985, -1000 };

        private readonly short[] _magnitudes;
        private int _count;
        private int _sumX, _sumY, _sumZ;
        private long _firstMs, _lastMs;

        /// <summary>Makes a meter.</summary>
        /// <param name="mostHz">Greatest sample rate, 10 to 400 Hz; faster samples end windows early.</param>
        /// <exception cref="ArgumentException">The rate is out of range.</exception>
        public MotionMeter(int mostHz)
        {
            if (mostHz < 10 || mostHz > 400) throw new ArgumentException("The greatest rate of a motion meter is 10 to 400 Hz.");
            _magnitudes = new short[mostHz * WindowMs / 1000];
        }

        /// <summary>Twice the mean absolute deviation of the acceleration's magnitude, hundredths of m/s2: 0 at rest, about 450 walking (signal <c>motion</c>).</summary>
        public int ActivityCounts { get; private set; }

        /// <summary>Steps of the window (signal <c>steps</c>).</summary>
        public int Steps { get; private set; }

        /// <summary>Steps a minute, 0 = none (signal <c>cadence</c>).</summary>
        public int Cadence { get; private set; }

        /// <summary>Posture: degrees between the device's z axis and up, 0 to 180 (signal <c>tilt</c>). 0 = lying on its back.</summary>
        public int Tilt { get; private set; }

        /// <summary>Adds a sample.</summary>
        /// <param name="x">Hundredths of m/s2, gravity included; cut to 4,000 either way.</param>
        /// <param name="y">As x.</param>
        /// <param name="z">As x.</param>
        /// <param name="uptimeMs">When, ms of a clock that does not step.</param>
        /// <returns>True when a window ended before this sample and can be read now. A window of less than 2 s or 10 Hz says nothing.</returns>
        public bool Add(int x, int y, int z, long uptimeMs)
        {
            bool isOver = _count > 0 && (uptimeMs - _firstMs >= WindowMs || uptimeMs - _lastMs > LongestGapMs || uptimeMs < _lastMs || _count == _magnitudes.Length);
            bool isReady = isOver && Finish();
            if (isOver || _count == 0)
            {
                _count = _sumX = _sumY = _sumZ = 0;
                _firstMs = uptimeMs;
            }

            x = Cut(x);
            y = Cut(y);
            z = Cut(z);
            _sumX += x;
            _sumY += y;
            _sumZ += z;
            _magnitudes[_count++] = (short)Root((x * x) + (y * y) + (z * z));
            _lastMs = uptimeMs;
            return isReady;
        }

        /// <summary>Ends the window under way, as before a sleep.</summary>
        /// <returns>True when it can be read.</returns>
        public bool Flush()
        {
            bool isReady = Finish();
            _count = 0;
            return isReady;
        }

        private bool Finish()
        {
            if (_count < 2) return false;
            int lengthMs = (int)((_lastMs - _firstMs) * _count / (_count - 1)); // the last sample has its period, too
            if (lengthMs < LeastWindowMs || _count * MsOfLeastRate < lengthMs) return false;
            int sum = 0;
            for (int i = 0; i < _count; i++) sum += _magnitudes[i];
            int mean = sum / _count, deviations = 0;
            for (int i = 0; i < _count; i++) deviations += _magnitudes[i] < mean ? mean - _magnitudes[i] : _magnitudes[i] - mean;
            int deviation = deviations / _count;
            int steps = CountSteps(mean, deviation < LeastSwing ? LeastSwing : deviation);
            ActivityCounts = 2 * deviation;
            Steps = steps < LeastSteps ? 0 : steps;
            Cadence = Steps * 60000 / lengthMs;
            Tilt = TiltOf(_sumX / _count, _sumY / _count, _sumZ / _count);
            return true;
        }

        // A step swings the magnitude from below its mean to above it; swings smaller than the usual one are noise.
        private int CountSteps(int mean, int swing)
        {
            int steps = 0;
            bool isAbove = _magnitudes[0] >= mean;
            for (int i = 0; i < _count; i++)
            {
                if (isAbove && _magnitudes[i] < mean - swing)
                {
                    isAbove = false;
                }
                else if (!isAbove && _magnitudes[i] > mean + swing)
                {
                    isAbove = true;
                    steps++;
                }
            }

            return steps;
        }

        private static int TiltOf(int x, int y, int z)
        {
            int length = Root((x * x) + (y * y) + (z * z));
            if (length == 0) return 0;
            int cosine = z * 1000 / length, tens = 0;
            while (tens < CosineOfTens.Length - 2 && cosine < CosineOfTens[tens + 1]) tens++;
            int below = CosineOfTens[tens] - cosine; // less than 0 where rounding made the length too short
            return (tens * 10) + (below < 0 ? 0 : below * 10 / (CosineOfTens[tens] - CosineOfTens[tens + 1]));
        }

        private static int Cut(int value)
        {
            return value > MostPerAxis ? MostPerAxis : value < -MostPerAxis ? -MostPerAxis : value;
        }

        // The greatest whole number whose square is not above the value, a bit at a time.
        private static int Root(int value)
        {
            int root = 0;
            for (int bit = 1 << 12; bit != 0; bit >>= 1)
            {
                int larger = root | bit;
                if (larger * larger <= value) root = larger;
            }

            return root;
        }
    }
}
