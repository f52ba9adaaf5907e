using Telemetry.Ingest.Sequences;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>A sixteenth of the devices: what is known of their sequences, and their counts, behind one lock.</summary>
/// <remarks>Every member is used under <see cref="Lock"/>. An append to the log happens under it too, so that log order and
/// sequence order agree; the log's own lock comes after this one.</remarks>
internal sealed class IngestShard
{
    public const int ReasonSlots = 64;

    public Lock Lock { get; } = new();

    public SeqTable Table { get; } = new();

    /// <summary>Gaps by the entry's index; most epochs have none.</summary>
    public Dictionary<int, GapList> Gaps { get; } = [];

    public IngestCounts Counts { get; private set; }

    /// <summary>Dead-lettered and refused batches by numeric reason.</summary>
    public long[] ByReason { get; } = new long[ReasonSlots];

    public SeqVerdict Look(int index, ulong seq)
    {
        ref SeqEntry entry = ref Table[index];
        return SeqWindow.Look(entry, seq <= entry.Mark ? GapsOf(index) : null, seq);
    }

    /// <returns>True when a new gap appeared.</returns>
    public bool Settle(int index, ulong seq, long position)
    {
        ref SeqEntry entry = ref Table[index];
        if (position > entry.LastPosition) entry.LastPosition = position;
        if (seq == entry.Mark + 1 && (entry.WindowLow | entry.WindowHigh) == 0)
        {
            entry.Mark = seq;
            return false;
        }

        // What comes newest first fills the gap that the newest one made.
        GapList? before = GapsOf(index);
        if (before is not null && seq <= entry.Mark)
        {
            before.Fill(seq);
            if (before.Ranges.Count == 0) Gaps.Remove(index);
            return false;
        }

        GapList? gaps = before;
        bool hasNewGap = SeqWindow.Settle(ref entry, ref gaps, seq);
        if (gaps is not null && before is null) Gaps.Add(index, gaps);
        return hasNewGap;
    }

    public GapList? GapsOf(int index) => Gaps.Count == 0 ? null : Gaps.GetValueOrDefault(index);

    public IngestTicket Count(IngestOutcome outcome, RefusalReason reason, long position, int retryAfterMs, int bytes)
    {
        Counts = Counts.With(outcome, bytes);
        if (outcome is IngestOutcome.DeadLettered or IngestOutcome.Refused) ByReason[(int)reason]++;
        return new IngestTicket(outcome, reason, position, retryAfterMs);
    }

    /// <summary>A dead letter became a batch: it is no new arrival.</summary>
    public void CountReplay() => Counts = Counts with { Replayed = Counts.Replayed + 1 };
}
