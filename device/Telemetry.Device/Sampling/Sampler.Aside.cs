namespace Telemetry.Device.Sampling
{
    // Samples that share no row wait in the pool, set aside in the order they came; sealing packs them signal by signal, with one encoder for all.
    //
    // u8 index in the profile, varint time << 3 | quality, varint value; both signed: zigzag, the time counted from the first sample that waits.
    internal sealed partial class Sampler
    {
        private const int MostAsideBytes = 19; // index 1, time of 49 bits and quality 8, value 10
        private const int LeastAsideBytes = 3;

        // Each sample that waits may become a block, and a batch has no more than this beside those of 255 groups.
        private const int FullAsideBytes = (BatchWriter.MaxBlocks - 256) * LeastAsideBytes;
        private const int SideRows = 64;
        private const int AsideQualityBits = 3;
        private const int AsideQualityMask = (1 << AsideQualityBits) - 1;

        // The side encoder is made for a signal that has to be named, so that it names every one.
        private const int SideSignal = 0xFFFF;

        // Chunks with which the side encoder always packs a row: two streams of its own and the column, each with what closes it, and one to spare.
        private const int SideChunks = 8;

        private readonly BlockEncoder _sideEncoder;
        private long _asideFromMs;
        private int _asideEvents;

        // The sample that was read last.
        private int _asideAt;
        private int _asideIndex;
        private int _asideQuality;
        private long _asideMs;
        private long _asideValue;

        private void PutAside(int index, long value, long timeMs, int quality)
        {
            if (_pool.FreeChunks < SideChunks + (MostAsideBytes / BlockPool.ChunkBytes) + 1 || _pool.AsideBytes > FullAsideBytes)
            {
                if (_asideEvents > 0) SealEvents();
                SealOpen();
            }

            if (_pool.AsideBytes == 0) _asideFromMs = timeMs;
            _pool.PutAside((byte)index);
            PutVarintAside((Zigzag(timeMs - _asideFromMs) << AsideQualityBits) | (uint)quality);
            PutVarintAside(Zigzag(value));
            if (_profile.KindAt(index) == SignalKind.Event) _asideEvents++;
        }

        private void PutVarintAside(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _pool.PutAside((byte)(value | 0x80));
            _pool.PutAside((byte)value);
        }

        // Reads the sample at _asideAt; false behind the last.
        private bool ReadAside()
        {
            if (_asideAt >= _pool.AsideBytes) return false;
            _asideIndex = _pool.Aside(_asideAt++);
            ulong time = ReadVarintAside();
            _asideQuality = (int)time & AsideQualityMask;
            _asideMs = _asideFromMs + Unzigzag(time >> AsideQualityBits);
            _asideValue = Unzigzag(ReadVarintAside());
            return true;
        }

        private ulong ReadVarintAside()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte part = _pool.Aside(_asideAt++);
                value |= (ulong)(part & 0x7F) << shift;
                if (part < 0x80) return value;
            }
        }

        private static ulong Zigzag(long value)
        {
            return (ulong)((value << 1) ^ (value >> 63));
        }

        private static long Unzigzag(ulong code)
        {
            return (long)(code >> 1) ^ -(long)(code & 1);
        }

        // Samples of a signal that wait.
        private int CountAside(int index)
        {
            int count = 0;
            for (_asideAt = 0; ReadAside();)
            {
                if (_asideIndex == index) count++;
            }

            return count;
        }

        private byte KindAside(int index)
        {
            if (_profile.KindAt(index) == SignalKind.Real) return BlockEncoder.KindReal;
            for (_asideAt = 0; ReadAside();)
            {
                if (_asideIndex == index && _asideValue != (int)_asideValue) return BlockEncoder.KindWide;
            }

            return BlockEncoder.KindInteger;
        }

        // Makes the first block of a signal's samples.
        private void BeginAside(int index)
        {
            _sideEncoder.Restart(_profile.IdAt(index), KindAside(index));
            _asideAt = 0;
        }

        // Packs samples of a signal, from _asideAt on, into one block; what a block refuses stays for the next.
        // Returns its bytes; 0 when there are no more samples.
        private int PackAside(int index)
        {
            for (int at = _asideAt; ReadAside(); at = _asideAt)
            {
                if (_asideIndex != index) continue;
                _sideEncoder.SetWide(0, _asideValue);
                if (_sideEncoder.TryAddRow(_asideMs, _asideQuality)) continue;
                _asideAt = at;
                break;
            }

            return _sideEncoder.Complete();
        }

        // Bytes of all blocks of a signal's samples in a batch.
        private int BlockBytesAside(int index)
        {
            int sum = 0;
            BeginAside(index);
            for (int bytes = PackAside(index); bytes > 0; bytes = PackAside(index))
            {
                sum += BatchWriter.FramedBytes(bytes);
                _sideEncoder.Reset();
            }

            return sum;
        }

        private bool IsEvent(int index)
        {
            return _profile.KindAt(index) == SignalKind.Event;
        }

        // What was sealed goes, the rest moves up.
        private void ForgetAside(bool events)
        {
            int kept = 0;
            int at = 0;
            for (_asideAt = 0; ReadAside(); at = _asideAt)
            {
                if (IsEvent(_asideIndex) == events) continue;
                for (; at < _asideAt; at++) _pool.SetAside(kept++, _pool.Aside(at));
            }

            _pool.KeepAside(kept);
            if (events) _asideEvents = 0;
        }

        private void LoseAside(LossReason reason)
        {
            for (_asideAt = 0; ReadAside();) Lose(_asideIndex, reason, 1);
            _pool.KeepAside(0);
            _asideEvents = 0;
        }
    }
}
