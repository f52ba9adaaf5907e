using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Bench.Device;

/// <summary>
/// Cuts the power of a spool at every byte of every write and erase, in several ways, mounts what is left and compares it with what had
/// been promised. A cut counts once: images that were tried before are skipped.
/// </summary>
internal sealed class SpoolCuts(int seed)
{
    private const int PageBytes = 64;
    private const int SectorBytes = 256;
    private const int Sectors = 6;
    private const int Signal = 1;
    private const int KeptBatches = 256;
    private const int MostCuts = 4; // of one append

    private readonly Random _random = new(seed);
    private readonly HashSet<ulong> _tried = [];
    private readonly TraceFlash _scratchFlash = new(PageBytes, SectorBytes, Sectors);
    private readonly Dictionary<long, Batch> _batches = [];
    private readonly byte[] _read = new byte[1024];

    /// <summary>Distinct images mounted.</summary>
    public long Cuts { get; private set; }

    /// <summary>Batches whose append had returned and that were neither found nor told as evicted.</summary>
    public long CommittedLost { get; private set; }

    /// <summary>Batches handed out with other bytes than were put in.</summary>
    public long CorruptDelivered { get; private set; }

    /// <summary>Mounts that began a new epoch, or would use a number twice.</summary>
    public long RingWipes { get; private set; }

    /// <summary>Mounts whose ledger does not tell the evicted samples exactly.</summary>
    public long WrongLedgers { get; private set; }

    /// <summary>First failure, for the one who looks for it.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>Appends and frees batches and cuts every step, until <paramref name="target"/> distinct cuts were survived or not.</summary>
    public void Run(long target, bool inPairs)
    {
        TraceFlash flash = new(PageBytes, SectorBytes, Sectors);
        Store live = Store.Mount(flash, seed);
        int sinceRestart = 0;
        while (Cuts < target)
        {
            Step(live, flash, target, inPairs);
            if (++sinceRestart < 40) continue;

            // A device reboots now and then: the next steps run on a freshly mounted spool.
            sinceRestart = 0;
            live = Store.Mount(flash, seed);
        }
    }

    private void Step(Store live, TraceFlash flash, long target, bool inPairs)
    {
        for (int acks = _random.Next(3); acks > 0 && live.Spool.HeldBatches > 1; acks--) live.Spool.Ring(false).FreeOldest();
        byte[] before = (byte[])flash.Image.Clone();
        Promise promise = PromiseOf(live);
        flash.Trace.Clear();
        promise.New = live.Append(_random, _batches);
        promise.After = live.HeldSeqs();
        ForEachCut(before, flash.Trace, target, image =>
        {
            Check(image, promise);
            if (inPairs && _random.Next(40) == 0) CutAgain(image, target, MostCuts - 1);
        });
        promise.IsNewCommitted = true;
        Check(flash.Image, promise);
    }

    // The second cut, and now and then a third and a fourth: the spool that came out of the one before appends and is cut again.
    private void CutAgain(byte[] image, long target, int cuts)
    {
        TraceFlash flash = new(PageBytes, SectorBytes, Sectors);
        image.CopyTo(flash.Image, 0);
        Store live = Store.Mount(flash, seed);
        byte[] before = (byte[])flash.Image.Clone();
        Promise promise = PromiseOf(live);
        Dictionary<long, Batch> outer = new(_batches);
        flash.Trace.Clear();
        promise.New = live.Append(_random, _batches);
        promise.After = live.HeldSeqs();
        ForEachCut(before, flash.Trace, target, next =>
        {
            Check(next, promise);
            if (cuts > 1 && _random.Next(400) == 0) CutAgain(next, target, cuts - 1);
        });
        promise.IsNewCommitted = true;
        Check(flash.Image, promise);
        _batches.Clear();
        foreach (KeyValuePair<long, Batch> pair in outer) _batches[pair.Key] = pair.Value;
    }

    private static Promise PromiseOf(Store live) => new()
    {
        Epoch = live.Spool.Epoch,
        NextSeq = live.Spool.NextSeq,
        Before = live.HeldSeqs(),
        Pending = live.PendingEvicted(),
    };

    private void ForEachCut(byte[] before, List<FlashOp> trace, long target, Action<byte[]> cut)
    {
        byte[] image = (byte[])before.Clone();
        byte[] work = new byte[image.Length];
        int window = 0;
        for (int op = 0; op < trace.Count; op++)
        {
            if (trace[op].IsFlush)
            {
                Reorder(before, trace, window, op, target, cut);
                window = op + 1;
                continue;
            }

            int bytes = trace[op].Count;
            for (int done = 0; done <= bytes && Cuts < target; done++)
            {
                image.CopyTo(work, 0);
                trace[op].Apply(work, done);
                Try(work, cut);

                // The byte under way: some of its bits, and garbage for a few behind it.
                trace[op].Smear(work, done, _random);
                Try(work, cut);
            }

            trace[op].Apply(image, bytes);
        }
    }

    // What was not flushed may reach the flash in any order: some writes of a window without those before them.
    private void Reorder(byte[] before, List<FlashOp> trace, int from, int to, long target, Action<byte[]> cut)
    {
        if (to - from < 2) return;
        byte[] work = new byte[before.Length];
        for (int i = 0; i < 16 && Cuts < target; i++)
        {
            before.CopyTo(work, 0);
            for (int op = 0; op < from; op++) trace[op].Apply(work, trace[op].Count);
            for (int op = from; op < to; op++)
            {
                int fate = _random.Next(3);
                if (fate == 1) trace[op].Apply(work, _random.Next(trace[op].Count + 1));
                else if (fate == 2) trace[op].Apply(work, trace[op].Count);
            }

            Try(work, cut);
        }
    }

    private void Try(byte[] image, Action<byte[]> cut)
    {
        if (!_tried.Add(HashOf(image))) return;
        Cuts++;
        cut(image);
    }

    private void Check(byte[] image, Promise promise)
    {
        image.CopyTo(_scratchFlash.Image, 0);
        _scratchFlash.Trace.Clear();
        Store found = Store.Mount(_scratchFlash, seed);
        if (found.Spool.Epoch != promise.Epoch || found.Spool.NextSeq < promise.NextSeq)
        {
            RingWipes++;
            Fail($"epoch {found.Spool.Epoch:x8} for {promise.Epoch:x8}, next {found.Spool.NextSeq} for {promise.NextSeq}");
            return;
        }

        HashSet<long> delivered = Deliver(found);
        if (promise.IsNewCommitted && !delivered.Contains(promise.New))
        {
            CommittedLost++;
            Fail($"the new batch {promise.New} is gone");
            return;
        }

        long evicted = 0;
        foreach (long seq in promise.Before)
        {
            if (delivered.Contains(seq)) continue;
            if (promise.After.Contains(seq))
            {
                CommittedLost++;
                Fail($"batch {seq} is gone");
                return;
            }

            evicted += _batches[seq].Samples + _batches[seq].Told; // what it told is untold again
        }

        // Everything evicted and not told by a batch that stands on flash must be in the ledger.
        bool isNewThere = delivered.Contains(promise.New);
        long told = isNewThere ? _batches[promise.New].Told : 0;
        long expected = promise.Pending + evicted - told;
        if (found.PendingEvicted() == expected) return;
        WrongLedgers++;
        Fail($"ledger tells {found.PendingEvicted()} evicted samples, {expected} are right");
    }

    private HashSet<long> Deliver(Store found)
    {
        HashSet<long> delivered = [];
        SpoolRing ring = found.Spool.Ring(false);
        for (long position = 0; ring.TryLoad(ref position); position = ring.RecordEnd)
        {
            if (!ring.IsPayloadSound()) continue;
            int bytes = ring.RecordPayloadBytes;
            ring.ReadPayload(position, ring.RecordEntries, 0, _read, 0, bytes);
            bool isRight = _batches.TryGetValue(ring.RecordSeq, out Batch? batch) && batch.Payload.AsSpan().SequenceEqual(_read.AsSpan(0, bytes));
            if (isRight)
            {
                delivered.Add(ring.RecordSeq);
                continue;
            }

            CorruptDelivered++;
            Fail($"batch {ring.RecordSeq} has other bytes");
        }

        return delivered;
    }

    private void Fail(string what) => FirstFailure ??= $"seed {seed}, cut {Cuts}: {what}";

    private static ulong HashOf(byte[] image)
    {
        ulong hash = 14695981039346656037UL;
        foreach (ulong word in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(image.AsSpan()))
        {
            hash = (hash ^ word) * 0x9E3779B97F4A7C15UL;
            hash ^= hash >> 29;
        }

        return hash;
    }

    private sealed class Promise
    {
        public uint Epoch;
        public long NextSeq;
        public long Pending;
        public long New;
        public bool IsNewCommitted;
        public HashSet<long> Before = [];
        public HashSet<long> After = [];
    }

    private sealed record Batch(byte[] Payload, long Samples, long Told);

    /// <summary>A mounted spool with its ledger.</summary>
    private sealed class Store
    {
        public required BatchSpool Spool { get; init; }

        public required LossLedger Ledger { get; init; }

        public static Store Mount(TraceFlash flash, int seed)
        {
            LossLedger ledger = new(2 + LossLedger.SharedEntries);
            return new Store { Ledger = ledger, Spool = new BatchSpool(flash, 0, ledger, new Chance(seed)) };
        }

        public HashSet<long> HeldSeqs()
        {
            HashSet<long> seqs = [];
            SpoolRing ring = Spool.Ring(false);
            for (long position = 0; ring.TryLoad(ref position); position = ring.RecordEnd) seqs.Add(ring.RecordSeq);
            return seqs;
        }

        public long PendingEvicted()
        {
            long sum = 0;
            for (int i = 0; i < Ledger.Entries; i++)
            {
                if (Ledger.Reason(i) == (byte)LossReason.SpoolEvicted) sum += Ledger.Samples(i);
            }

            return sum;
        }

        // What the sampler does: make room, seal what is lost into the batch, append, forget what it told.
        public long Append(Random random, Dictionary<long, Batch> batches)
        {
            int bytes = 20 + random.Next(140);
            if (Spool.Reserve(false, bytes, 1 + Ledger.Capacity) != DeviceStatus.Ok) throw new InvalidOperationException("Reserve failed on sound flash.");
            byte[] payload = new byte[bytes];
            random.NextBytes(payload);
            uint samples = (uint)random.Next(1, 600);
            ArrayRecord record = new(Signal, samples, Ledger, payload);
            long seq = Spool.NextSeq;
            batches[seq] = new Batch(payload, samples, PendingEvicted());
            batches.Remove(seq - KeptBatches);
            if (Spool.Append(false, record, record.Entries, bytes) != DeviceStatus.Ok) throw new InvalidOperationException("Append failed on sound flash.");
            Ledger.RemoveFirst(Ledger.Entries);
            return seq;
        }
    }

    /// <summary>One write, erase or flush.</summary>
    private readonly record struct FlashOp(int Address, byte[]? Data, int Count)
    {
        public bool IsFlush => Count == 0;

        public void Apply(byte[] image, int bytes)
        {
            for (int i = 0; i < bytes; i++) image[Address + i] = Data is null ? (byte)0xFF : (byte)(image[Address + i] & Data[i]);
        }

        public void Smear(byte[] image, int done, Random random)
        {
            for (int i = done; i < Math.Min(Count, done + 4); i++)
            {
                byte noise = (byte)random.Next(256);
                image[Address + i] = Data is null ? (byte)(image[Address + i] | noise) : (byte)(image[Address + i] & (Data[i] | noise));
            }
        }
    }

    /// <summary>Flash in RAM that writes down what is done to it.</summary>
    private sealed class TraceFlash(int pageBytes, int sectorBytes, int sectors) : IFlash
    {
        public byte[] Image { get; } = [.. Enumerable.Repeat((byte)0xFF, sectorBytes * sectors)];

        public List<FlashOp> Trace { get; } = [];

        public int PageBytes => pageBytes;

        public int SectorBytes => sectorBytes;

        public int SectorCount => sectors;

        public bool Read(int address, byte[] buffer, int offset, int count)
        {
            Image.AsSpan(address, count).CopyTo(buffer.AsSpan(offset));
            return true;
        }

        public bool Program(int address, byte[] buffer, int offset, int count) => Do(new FlashOp(address, buffer.AsSpan(offset, count).ToArray(), count));

        public bool Erase(int sector) => Do(new FlashOp(sector * sectorBytes, null, sectorBytes));

        public bool Flush()
        {
            Trace.Add(default);
            return true;
        }

        private bool Do(FlashOp op)
        {
            Trace.Add(op);
            op.Apply(Image, op.Count);
            return true;
        }
    }
}
