namespace Telemetry.Device.Sampling
{
    // How integer columns and timelines become bits (WIRE.md, "Integer column"). A token is a run of unchanged rows and the difference
    // that ends it; which prefix codes it uses follows from the running mean of past differences, so no header carries a parameter.
    public sealed partial class BlockEncoder
    {
        private const int FirstMean = 16;         // half a unit a row, in 1/32
        private const int FirstScaledMean = 512;  // from 16 units a row on, differences are Rice coded
        private const int FirstNoisyMean = 128;   // from 4 units a row on, zeros are coded one by one
        private const int MaxCodedMagnitude = 1 << 22;
        private const int MaxRun = 64;
        private const int MaxQuotient = 10;
        private const int JumpMagnitude = 16;
        private const int MaxNearSwap = 62;
        private const int FirstValueBits = 7;

        private readonly int[] _next;
        private readonly int[] _nextHigh;
        private readonly int[] _last;
        private readonly int[] _lastHigh;
        private readonly int[] _other;
        private readonly int[] _otherHigh;
        private readonly int[] _mean;
        private readonly short[] _run;
        private readonly bool[] _isFalling;

        private void BeginColumns()
        {
            for (int stream = 0; stream < _run.Length; stream++)
            {
                _last[stream] = 0;
                _lastHigh[stream] = 0;
                _other[stream] = 0;
                _otherHigh[stream] = 0;
                _mean[stream] = FirstMean;
                _run[stream] = 0;
                _isFalling[stream] = false;
            }

            for (int column = 0; column < _columns; column++)
            {
                int stream = column + FirstColumnStream;
                int low = _next[column];
                int high = _kinds[column] == KindInteger ? low >> 31 : _nextHigh[column];
                _last[stream] = low;
                _lastHigh[stream] = high;
                if (_kinds[column] == KindReal) PutFixed64(stream, low, high);
                else PutFirst(stream, ((long)high << 32) | (uint)low);
            }
        }

        private void AddValues()
        {
            // Local names for the arrays: the loop then reads no fields.
            byte[] kinds = _kinds;
            int[] next = _next;
            int[] last = _last;
            int[] mean = _mean;
            short[] run = _run;
            for (int column = 0; column < kinds.Length; column++)
            {
                int stream = column + FirstColumnStream;
                int value = next[column];
                if (kinds[column] == KindWide) AddWide(stream, value, _nextHigh[column]);
                else if (kinds[column] == KindReal) AddReal(stream, value, _nextHigh[column]);
                else if (value == last[stream] && mean[stream] < FirstNoisyMean && run[stream] < MaxRun - 1) run[stream]++; // the usual row: one addition
                else AddInteger(stream, value);
            }
        }

        private void AddInteger(int stream, int value)
        {
            int last = _last[stream];
            if (value == last)
            {
                AddZero(stream);
                return;
            }

            int difference = unchecked(value - last);
            uint magnitude = difference < 0 ? (uint)-difference : (uint)difference;
            if (magnitude < JumpMagnitude)
            {
                AddDifference(stream, difference < 0, magnitude, 0, false, 0);
            }
            else
            {
                int near = unchecked(value - _other[stream]);
                AddDifference(stream, difference < 0, magnitude, 0, IsSwap(near, magnitude), near);
                _other[stream] = last;
            }

            _last[stream] = value;
        }

        private void AddWide(int stream, int low, int high)
        {
            long value = ((long)high << 32) | (uint)low;
            long last = ((long)_lastHigh[stream] << 32) | (uint)_last[stream];
            if (value == last)
            {
                AddZero(stream);
                return;
            }

            long difference = unchecked(value - last);
            ulong magnitude = difference < 0 ? (ulong)-difference : (ulong)difference;
            long near = unchecked(value - (((long)_otherHigh[stream] << 32) | (uint)_other[stream]));
            uint magnitudeLow = magnitude > uint.MaxValue ? uint.MaxValue : (uint)magnitude;
            bool isSwap = near >= -MaxNearSwap && near <= MaxNearSwap && IsSwap((int)near, magnitudeLow);
            AddDifference(stream, difference < 0, (uint)magnitude, (uint)(magnitude >> 32), isSwap, (int)near);
            if (magnitude >= JumpMagnitude)
            {
                _other[stream] = _last[stream];
                _otherHigh[stream] = _lastHigh[stream];
            }

            _last[stream] = low;
            _lastHigh[stream] = high;
        }

        // A timeline has no level to return to: its residuals are coded as differences, and a swap repeats the last large one.
        private void AddResidual(int stream, int residual)
        {
            if (residual == 0)
            {
                AddZero(stream);
                return;
            }

            uint magnitude = residual < 0 ? (uint)-residual : (uint)residual;
            int near = unchecked(residual - _other[stream]);
            AddDifference(stream, residual < 0, magnitude, 0, IsSwap(near, magnitude), near);
            if (magnitude >= JumpMagnitude) _other[stream] = residual;
        }

        private static bool IsSwap(int near, uint magnitude)
        {
            if (magnitude < JumpMagnitude || near < -MaxNearSwap || near > MaxNearSwap) return false;
            int distance = near < 0 ? -near : near;
            return (uint)(distance << 2) < magnitude;
        }

        private void AddZero(int stream)
        {
            int mean = _mean[stream];
            if (mean < FirstNoisyMean)
            {
                int run = _run[stream] + 1;
                if (run == MaxRun)
                {
                    PutCode(stream, BlockCodes.Run(BlockCodes.ActivityClass(mean), BlockCodes.FullRunSymbol));
                    _mean[stream] = 0;
                    run = 0;
                }

                _run[stream] = (short)run;
                return;
            }

            if (mean < FirstScaledMean) PutCode(stream, BlockCodes.Difference(BlockCodes.ActivityClass(mean), false, BlockCodes.ZeroSymbol));
            else PutScaled(stream, mean, false, 0, 0);
            _mean[stream] = mean >> 1;
        }

        private void AddDifference(int stream, bool isFalling, uint magnitude, uint magnitudeHigh, bool isSwap, int near)
        {
            int mean = _mean[stream];
            int run = _run[stream];
            if (mean >= FirstScaledMean)
            {
                PutScaled(stream, mean, isFalling, magnitude, magnitudeHigh);
                isSwap = false;
            }
            else
            {
                int activityClass = BlockCodes.ActivityClass(mean);
                bool hasRun = mean < FirstNoisyMean;
                int prefix = hasRun ? RunPrefix(activityClass, run) : 0;
                bool isAdjacent = hasRun && run == 0;
                if (isSwap) PutSwap(stream, prefix, activityClass, isAdjacent, near);
                else if (magnitudeHigh == 0 && magnitude <= 4) PutSmall(stream, prefix, activityClass, isAdjacent, isFalling, (int)magnitude);
                else PutLarge(stream, prefix, activityClass, isAdjacent, isFalling, magnitude, magnitudeHigh);
            }

            _isFalling[stream] = isFalling;
            _run[stream] = 0;
            mean = run > 30 ? 0 : mean >> run;
            int seen = isSwap ? 0 : magnitudeHigh != 0 || magnitude > MaxCodedMagnitude ? MaxCodedMagnitude << 5 : (int)magnitude << 5;
            int bound = (mean << 2) + 128;
            _mean[stream] = (mean + (seen < bound ? seen : bound)) >> 1;
        }

        // Code of a run of 0..63 that a difference ends, with its extra bits: bits 0-11 the code, from 16 its length, at most 12.
        private static int RunPrefix(int activityClass, int run)
        {
            if (run < 4)
            {
                int whole = BlockCodes.Run(activityClass, run);
                return (whole & 0xFF) | ((whole >> 8) << 16);
            }

            // 4-5, 6-7, 8-11, 12-15, 16-23, ... : two symbols an octave, the rest as they are.
            int extra = BlockCodes.BitCount(run >> 2);
            int code = BlockCodes.Run(activityClass, 4 + ((extra - 1) << 1) + ((run >> extra) & 1));
            int length = code >> 8;
            return (code & 0xFF) | ((run & ((1 << extra) - 1)) << length) | ((length + extra) << 16);
        }

        private void PutPrefixed(int stream, int prefix, int code)
        {
            int length = prefix >> 16;
            PutBits(stream, (uint)((prefix & 0xFFFF) | ((code & 0xFF) << length)), length + (code >> 8));
        }

        // 1..4: the sign is told relative to the last one, because signals drift or alternate.
        private void PutSmall(int stream, int prefix, int activityClass, bool isAdjacent, bool isFalling, int magnitude)
        {
            int turn = isFalling != _isFalling[stream] ? 1 : 0;
            PutPrefixed(stream, prefix, BlockCodes.Difference(activityClass, isAdjacent, ((magnitude - 1) << 1) + turn));
        }

        private void PutLarge(int stream, int prefix, int activityClass, bool isAdjacent, bool isFalling, uint magnitude, uint magnitudeHigh)
        {
            if (magnitudeHigh != 0 || magnitude > 128)
            {
                PutPrefixed(stream, prefix, BlockCodes.Difference(activityClass, isAdjacent, BlockCodes.FarSymbol));
                PutFar(stream, isFalling, magnitude, magnitudeHigh);
                return;
            }

            // 5-6, 7-8, 9-12, 13-16, 17-24, ... 97-128
            int rest = (int)magnitude - 1;
            int extra = BlockCodes.BitCount(rest >> 2);
            int symbol = BlockCodes.FirstRangeSymbol + ((extra - 1) << 1) + ((rest >> extra) & 1);
            PutPrefixed(stream, prefix, BlockCodes.Difference(activityClass, isAdjacent, symbol));
            PutBits(stream, (isFalling ? 1u : 0) | ((uint)(rest & ((1 << extra) - 1)) << 1), 1 + extra);
        }

        // Back to the level before the last jump, exactly or nearly.
        private void PutSwap(int stream, int prefix, int activityClass, bool isAdjacent, int near)
        {
            if (near == 0)
            {
                PutPrefixed(stream, prefix, BlockCodes.Difference(activityClass, isAdjacent, BlockCodes.SwapSymbol));
                return;
            }

            PutPrefixed(stream, prefix, BlockCodes.Difference(activityClass, isAdjacent, BlockCodes.NearSwapSymbol));
            PutBits(stream, near < 0 ? 1u : 0, 1);
            PutExpGolomb(stream, (uint)(near < 0 ? -near : near) - 1, 2);
        }

        private void PutScaled(int stream, int mean, bool isFalling, uint magnitude, uint magnitudeHigh)
        {
            int k = 4; // bits of the mean - 6
            while (mean >> (k + 6) != 0) k++;
            if (magnitudeHigh != 0 || magnitude > (uint)(MaxQuotient << k) >> 1)
            {
                PutBits(stream, 1u << MaxQuotient, MaxQuotient + 1);
                PutFar(stream, isFalling, magnitude, magnitudeHigh);
                return;
            }

            uint code = magnitude == 0 ? 0 : (magnitude << 1) - (isFalling ? 0u : 1u);
            int quotient = (int)(code >> k);
            if (quotient == MaxQuotient)
            {
                PutBits(stream, 1u << MaxQuotient, MaxQuotient + 1);
                PutFar(stream, isFalling, magnitude, 0);
                return;
            }

            PutBits(stream, 1u << quotient, quotient + 1);
            PutBits(stream, code & ((1u << k) - 1), k);
        }

        // Sign, six bits of length, then the magnitude without its leading one.
        private void PutFar(int stream, bool isFalling, uint magnitude, uint magnitudeHigh)
        {
            int length = 0;
            for (uint m = magnitudeHigh != 0 ? magnitudeHigh : magnitude; m > 1; m >>= 1) length++;
            if (magnitudeHigh != 0) length += 32;
            PutBits(stream, (isFalling ? 1u : 0) | (uint)(length << 1), 7);
            PutLong(stream, magnitude, magnitudeHigh, length);
        }

        private void PutFirst(int stream, long value)
        {
            ulong code = (ulong)((value << 1) ^ (value >> 63));
            ulong quotient = (code >> FirstValueBits) + 1;
            int length = 0;
            while (quotient >> length > 1) length++;
            PutLong(stream, 0, 0, length);
            PutBits(stream, 1, 1);
            PutLong(stream, (uint)quotient, (uint)(quotient >> 32), length);
            PutBits(stream, (uint)code & ((1u << FirstValueBits) - 1), FirstValueBits);
        }
    }
}
