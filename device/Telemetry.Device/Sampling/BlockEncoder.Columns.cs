namespace Telemetry.Device.Sampling
{
    // How values become bits (WIRE.md, "Integer column", "Real column", "Timeline", "Quality").
    public sealed partial class BlockEncoder
    {
        private const int EscapePrefix = 12;
        private const int MeanShift = 3;

        private readonly int[] _next;
        private readonly int[] _nextHigh;
        private readonly int[] _last;
        private readonly int[] _lastHigh;
        private readonly int[] _run;
        private readonly int[] _mean;

        private void Begin(long uptimeMs, int quality)
        {
            _rows = 1;
            _startMs = uptimeMs;
            _lastMs = uptimeMs;
            _intervalMs = 0;
            _isRegular = true;
            _firstQuality = quality;
            _quality = quality;
            _hasQuality = quality != 0;
            for (int stream = 0; stream < _run.Length; stream++)
            {
                _run[stream] = 0;
                _mean[stream] = 0;
                _last[stream] = 0;
                _lastHigh[stream] = 0;
            }

            for (int column = 0; column < _columns; column++)
            {
                int stream = column + FirstColumnStream;
                int low = _next[column];
                int high = _kinds[column] == KindInteger ? low >> 31 : _nextHigh[column];
                _last[stream] = low;
                _lastHigh[stream] = high;
                if (_kinds[column] == KindReal) PutFixed64(stream, low, high);
                else PutVarint(stream, ZigZag(((long)high << 32) | (uint)low));
            }
        }

        private void AddTime(int step)
        {
            if (_rows == 1) _intervalMs = step;
            if (step != _intervalMs) _isRegular = false;
            AddInteger(TimeStream, step);
        }

        private void AddQuality(int quality)
        {
            if (quality == _quality)
            {
                _run[QualityStream]++;
                return;
            }

            PutGamma(QualityStream, (uint)_run[QualityStream] + 1);
            PutBits(QualityStream, (uint)(quality ^ _quality), 3);
            _run[QualityStream] = 0;
            _quality = quality;
            _hasQuality = true;
        }

        private void AddValue(int column)
        {
            int stream = column + FirstColumnStream;
            if (_kinds[column] == KindInteger) AddInteger(stream, _next[column]);
            else if (_kinds[column] == KindWide) AddWide(stream, _next[column], _nextHigh[column]);
            else AddReal(stream, _next[column], _nextHigh[column]);
        }

        private void AddInteger(int stream, int value)
        {
            int difference = unchecked(value - _last[stream]);
            if (difference == 0)
            {
                _run[stream]++;
                return;
            }

            _last[stream] = value;
            uint rest = (uint)((difference << 1) ^ (difference >> 31)) - 1;
            PutGamma(stream, (uint)_run[stream] + 1);
            _run[stream] = 0;
            int k = Parameter(_mean[stream]);
            uint quotient = rest >> k;
            if (quotient < EscapePrefix)
            {
                PutBits(stream, 1u << (int)quotient, (int)quotient + 1);
                PutBits(stream, rest & ((1u << k) - 1), k);
            }
            else
            {
                PutBits(stream, 1u << EscapePrefix, EscapePrefix + 1);
                PutBits(stream, rest & 0xFFFF, 16);
                PutBits(stream, rest >> 16, 16);
            }

            Learn(stream, rest);
        }

        private void AddWide(int stream, int low, int high)
        {
            long value = ((long)high << 32) | (uint)low;
            long difference = unchecked(value - (((long)_lastHigh[stream] << 32) | (uint)_last[stream]));
            if (difference == 0)
            {
                _run[stream]++;
                return;
            }

            _last[stream] = low;
            _lastHigh[stream] = high;
            ulong rest = ZigZag(difference) - 1;
            PutGamma(stream, (uint)_run[stream] + 1);
            _run[stream] = 0;
            int k = Parameter(_mean[stream]);
            ulong quotient = rest >> k;
            if (quotient < EscapePrefix)
            {
                PutBits(stream, 1u << (int)quotient, (int)quotient + 1);
                PutBits(stream, (uint)rest & ((1u << k) - 1), k);
            }
            else
            {
                PutBits(stream, 1u << EscapePrefix, EscapePrefix + 1);
                for (int shift = 0; shift < 64; shift += 16) PutBits(stream, (uint)(rest >> shift) & 0xFFFF, 16);
            }

            Learn(stream, rest > uint.MaxValue ? uint.MaxValue : (uint)rest);
        }

        private void AddReal(int stream, int low, int high)
        {
            ulong change = (ulong)(((long)(high ^ _lastHigh[stream]) << 32) | (uint)(low ^ _last[stream]));
            if (change == 0)
            {
                _run[stream]++;
                return;
            }

            _last[stream] = low;
            _lastHigh[stream] = high;
            PutGamma(stream, (uint)_run[stream] + 1);
            _run[stream] = 0;
            int leading = 0;
            while ((change >> 63) == 0)
            {
                change <<= 1;
                leading++;
            }

            int trailing = 0;
            while (((change >> trailing) & 1) == 0) trailing++;
            int meaningful = 64 - trailing;
            change >>= trailing;
            PutBits(stream, (uint)leading, 6);
            PutBits(stream, (uint)(meaningful - 1), 6);
            for (; meaningful > 16; meaningful -= 16)
            {
                PutBits(stream, (uint)change & 0xFFFF, 16);
                change >>= 16;
            }

            PutBits(stream, (uint)change, meaningful);
        }

        private static int Parameter(int mean)
        {
            int k = 0;
            for (int m = mean >> MeanShift; m > 1 && k < 23; m >>= 1) k++;
            return k;
        }

        // A running mean over about 8 changes, held times 8; capped so that the parameter stays within PutBits' 24.
        private void Learn(int stream, uint rest)
        {
            int capped = rest > 0x3FFFFF ? 0x3FFFFF : (int)rest;
            _mean[stream] += capped - (_mean[stream] >> MeanShift);
        }

        // Elias gamma of 1..4096: as many zeros as bits follow the leading one.
        private void PutGamma(int stream, uint value)
        {
            int extra = 0;
            while ((value >> extra) > 1) extra++;
            PutBits(stream, 1u << extra, extra + 1);
            PutBits(stream, value & ((1u << extra) - 1), extra);
        }

        private void PutVarint(int stream, ulong value)
        {
            for (; value >= 0x80; value >>= 7) PutByte(stream, (byte)(value | 0x80));
            PutByte(stream, (byte)value);
        }

        private void PutFixed64(int stream, int low, int high)
        {
            for (int shift = 0; shift < 32; shift += 8) PutByte(stream, (byte)(low >> shift));
            for (int shift = 0; shift < 32; shift += 8) PutByte(stream, (byte)(high >> shift));
        }

        private static ulong ZigZag(long value)
        {
            return (ulong)((value << 1) ^ (value >> 63));
        }
    }
}
