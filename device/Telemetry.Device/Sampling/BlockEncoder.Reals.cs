namespace Telemetry.Device.Sampling
{
    // Reals are coded as the bits that changed (WIRE.md, "Real column"); quality as runs of equal masks (WIRE.md, "Quality").
    public partial class BlockEncoder
    {
        // A real that does not change never needs work: its Due lies beyond every row.
        private const int RealRows = MaxRows;

        private const int WindowShift = 8;
        private const int WindowMask = 0xFF;

        private void AddReal(int stream, int row, int low, int high)
        {
            int changeLow = low ^ _state[stream + Last];
            int changeHigh = high ^ _state[stream + LastHigh];
            _state[stream + Last] = low;
            _state[stream + LastHigh] = high;
            PutExpGolomb(stream, (uint)(row - _state[stream + Due] + RealRows - 1), 0);
            _state[stream + Due] = row + RealRows;
            ulong change = ((ulong)(uint)changeHigh << 32) | (uint)changeLow;
            int leading = 0;
            while ((change >> (63 - leading)) == 0) leading++;
            int trailing = 0;
            while (((change >> trailing) & 1) == 0) trailing++;

            int windowLeading = _state[stream + Window] >> WindowShift;
            int windowBits = _state[stream + Window] & WindowMask;
            int windowTrailing = 64 - windowLeading - windowBits;
            if (leading >= windowLeading && trailing >= windowTrailing)
            {
                PutBits(stream, 0, 1);
            }
            else
            {
                PutBits(stream, 1u | (uint)(leading << 1) | (uint)((63 - leading - trailing) << 7), 13);
                windowTrailing = trailing;
                windowBits = 64 - leading - trailing;
                _state[stream + Window] = (leading << WindowShift) | windowBits;
            }

            change >>= windowTrailing;
            PutLong(stream, (uint)change, (uint)(change >> 32), windowBits);
        }

        // A pending run that the end of the block ends.
        private void EndRealRun(int stream, int lastRow)
        {
            int run = lastRow - _state[stream + Due] + RealRows;
            if (run > 0) PutExpGolomb(stream, (uint)run, 0);
        }

        private void AddQuality(int row, int quality)
        {
            PutExpGolomb(QualityStream, (uint)(row - _qualityRow - 1), 0);
            PutBits(QualityStream, (uint)(quality ^ _quality), 3);
            _qualityRow = row;
            _quality = (byte)quality;
            _qualityChanges = true;
        }
    }
}
