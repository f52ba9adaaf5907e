namespace Telemetry.Device.Sampling
{
    // Reals are coded as the bits that changed (WIRE.md, "Real column"); quality as runs of equal masks (WIRE.md, "Quality").
    public sealed partial class BlockEncoder
    {
        // Of each real column: leading zeros of the window in use, and its length in bits.
        private readonly byte[] _windowLeading;
        private readonly byte[] _windowBits;

        private void AddReal(int stream, int low, int high)
        {
            int changeLow = low ^ _last[stream];
            int changeHigh = high ^ _lastHigh[stream];
            if ((changeLow | changeHigh) == 0)
            {
                _run[stream]++;
                return;
            }

            _last[stream] = low;
            _lastHigh[stream] = high;
            PutExpGolomb(stream, (uint)_run[stream], 0);
            _run[stream] = 0;
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

        private void AddQuality(int quality)
        {
            if (quality == _quality)
            {
                _run[QualityStream]++;
                return;
            }

            PutExpGolomb(QualityStream, (uint)_run[QualityStream], 0);
            PutBits(QualityStream, (uint)(quality ^ _quality), 3);
            _run[QualityStream] = 0;
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
