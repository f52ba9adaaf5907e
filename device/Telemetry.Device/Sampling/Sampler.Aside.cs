namespace Telemetry.Device.Sampling
{
    // Samples that share no row wait in the pool, set aside in the order they came, as AsideReader says; sealing packs them signal by signal, with one encoder
    // for all.
    internal sealed partial class Sampler
    {
        private const int MostAsideBytes = 19; // index 1, time of 49 bits and quality 8, value 10
        private const int LeastAsideBytes = 3;

        // Each sample that waits may become a block, and a batch has no more than this beside those of 255 groups.
        private const int FullAsideBytes = (BatchWriter.MaxBlocks - 256) * LeastAsideBytes;
        private const int SideRows = 64;

        // The side encoder is made for a signal that has to be named, so that it names every one.
        private const int SideSignal = 0xFFFF;

        // Chunks with which the side encoder always packs a row: two streams of its own and the column, each with what closes it, and one to spare.
        private const int SideChunks = 8;
        private const int MostAsideChunks = (MostAsideBytes / BlockPool.ChunkBytes) + 1;

        private readonly BlockEncoder _sideEncoder;
        private long _asideFromMs;
        private int _asideEvents;
        private int _asideAt; // where the next block of a signal begins to gather its samples

        private void PutAside(int index, long value, long timeMs, int quality)
        {
            if (_pool.FreeChunks < SideChunks + MostAsideChunks || _pool.AsideBytes > FullAsideBytes)
            {
                if (_asideEvents > 0) SealEvents();
                SealOpen();
            }

            if (_pool.AsideBytes == 0) _asideFromMs = timeMs;
            _pool.PutAside((byte)index);
            PutVarintAside((Zigzag(timeMs - _asideFromMs) << AsideReader.QualityBits) | (uint)quality);
            PutVarintAside(Zigzag(value));
            if (_profile.KindAt(index) == SignalKind.Event) _asideEvents++;
        }

        private void PutVarintAside(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _pool.PutAside((byte)(value | 0x80));
            _pool.PutAside((byte)value);
        }

        private AsideReader ReadAside(int at)
        {
            return new AsideReader(_pool, _asideFromMs, at);
        }

        private static ulong Zigzag(long value)
        {
            return (ulong)((value << 1) ^ (value >> 63));
        }

        // Samples of a signal that wait.
        private int CountAside(int index)
        {
            int count = 0;
            for (AsideReader sample = ReadAside(0); sample.Next();)
            {
                if (sample.Index == index) count++;
            }

            return count;
        }

        private byte KindAside(int index)
        {
            if (_profile.KindAt(index) == SignalKind.Real) return BlockEncoder.KindReal;
            for (AsideReader sample = ReadAside(0); sample.Next();)
            {
                if (sample.Index == index && sample.Value != (int)sample.Value) return BlockEncoder.KindWide;
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
            for (AsideReader sample = ReadAside(_asideAt); sample.Next(); _asideAt = sample.At)
            {
                if (sample.Index != index) continue;
                _sideEncoder.SetWide(0, sample.Value);
                if (!_sideEncoder.TryAddRow(sample.UptimeMs, sample.Quality)) break;
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
            for (AsideReader sample = ReadAside(0); sample.Next(); at = sample.At)
            {
                if (IsEvent(sample.Index) == events) continue;
                for (; at < sample.At; at++) _pool.SetAside(kept++, _pool.Aside(at));
            }

            _pool.KeepAside(kept);
            if (events) _asideEvents = 0;
        }

        private void LoseAside(LossReason reason)
        {
            for (AsideReader sample = ReadAside(0); sample.Next();) Lose(sample.Index, reason, 1);
            _pool.KeepAside(0);
            _asideEvents = 0;
        }
    }
}
