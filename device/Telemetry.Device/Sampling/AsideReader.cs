namespace Telemetry.Device.Sampling
{
    /// <summary>Reads the samples that wait aside in a pool, in the order they came. Stands on the stack.</summary>
    /// <remarks>
    /// u8 index in the profile, varint time &lt;&lt; 3 | quality, varint value; both signed: zigzag, the time counted from the first sample that waits.
    /// </remarks>
    internal struct AsideReader
    {
        /// <summary>Bits of the quality below the time.</summary>
        public const int QualityBits = 3;

        private const int QualityMask = (1 << QualityBits) - 1;

        private readonly BlockPool _pool;
        private readonly long _fromMs;

        /// <summary>A reader of the samples from byte <paramref name="at"/> on.</summary>
        public AsideReader(BlockPool pool, long fromMs, int at)
        {
            _pool = pool;
            _fromMs = fromMs;
            At = at;
            Index = 0;
            Quality = 0;
            UptimeMs = 0;
            Value = 0;
        }

        /// <summary>The byte behind the sample that was read.</summary>
        public int At { get; private set; }

        /// <summary>Index of its signal in the profile.</summary>
        public int Index { get; private set; }

        /// <summary>Its quality bits.</summary>
        public int Quality { get; private set; }

        /// <summary>Its time.</summary>
        public long UptimeMs { get; private set; }

        /// <summary>Its value; of a real the bits.</summary>
        public long Value { get; private set; }

        /// <summary>Reads the next sample.</summary>
        /// <returns>False behind the last.</returns>
        public bool Next()
        {
            if (At >= _pool.AsideBytes) return false;
            Index = _pool.Aside(At++);
            ulong time = ReadVarint();
            Quality = (int)time & QualityMask;
            UptimeMs = _fromMs + Unzigzag(time >> QualityBits);
            Value = Unzigzag(ReadVarint());
            return true;
        }

        private ulong ReadVarint()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte part = _pool.Aside(At++);
                value |= (ulong)(part & 0x7F) << shift;
                if (part < 0x80) return value;
            }
        }

        private static long Unzigzag(ulong code)
        {
            return (long)(code >> 1) ^ -(long)(code & 1);
        }
    }
}
