namespace Telemetry.Device.Sampling
{
    // Reals are coded as the bits that changed (WIRE.md, "Real column"); quality as runs of equal masks (WIRE.md, "Quality").
    public sealed partial class BlockEncoder
    {
        // A real that does not change never needs work: its _due lies beyond every row.
        private const int RealRows = MaxRows;

        // Of each real column: leading zeros of the window in use, and its length in bits.
        private readonly byte[] _windowLeading;
        private readonly byte[] _windowBits;

        private void AddReal(int stream, int row, int low, int high)
        {
            int changeLow = low ^ _last[stream];
            int changeHigh = high ^ _lastHigh[stream];
            _last[stream] = low;
            _lastHigh[stream] = high;
            PutExpGolomb(stream, (uint)(row - _due[stream] + RealRows - 1), 0);
            _due[stream] = (short)(row + RealRows);
            ulong change = ((ulong)(uint)changeHigh << 32) | (uint)changeLow;
            int leading = 0;
            while ((change >> (63 - leading)) == 0) leading++;
            int trailing = 0;
            while (((change >> trailing) & 1) == 0) trailing++;

            int windowTrailing = 64 - _windowLeading[stream] - _windowBits[stream];
            if (leading >= _windowLeading[stream] && trailing >= windowTrailing)
            {
                PutBits(stream, 0, 1);
            }
            else
            {
                PutBits(stream, 1u | (uint)(leading << 1) | (uint)((63 - leading - trailing) << 7), 13);
                _windowLeading[stream] = (byte)leading;
                _windowBits[stream] = (byte)(64 - leading - trailing);
                windowTrailing = trailing;
            }

            change >>= windowTrailing;
            PutLong(stream, (uint)change, (uint)(change >> 32), _windowBits[stream]);
        }

        // A pending run that the end of the block ends.
        private void EndRealRun(int stream, int lastRow)
        {
            int run = lastRow - _due[stream] + RealRows;
            if (run > 0) PutExpGolomb(stream, (uint)run, 0);
        }

        private void AddQuality(int row, int quality)
        {
            PutExpGolomb(QualityStream, (uint)(row - _qualityRow - 1), 0);
            PutBits(QualityStream, (uint)(quality ^ _quality), 3);
            _qualityRow = row;
            _quality = quality;
            _qualityChanges = true;
        }

        private void BeginReals()
        {
            for (int stream = 0; stream < _windowBits.Length; stream++)
            {
                _windowLeading[stream] = 0;
                _windowBits[stream] = 0;
            }
        }
    }
}
