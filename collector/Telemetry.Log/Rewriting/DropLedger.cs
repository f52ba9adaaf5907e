using System.Runtime.InteropServices;
using Telemetry.Log.Format;
using Telemetry.Wire;
using Telemetry.Wire.Batches;

namespace Telemetry.Log.Rewriting;

/// <summary>Collects what one rewriting drops, and writes down which seqs came although their batches are gone.</summary>
internal sealed class DropLedger
{
    private readonly Dictionary<(uint DeviceKey, uint Epoch), List<(ulong Seq, long Position, long ReceivedUnixMs)>> _seqs = [];

    public long Batches { get; private set; }

    public long DeadLetters { get; private set; }

    public long Bytes { get; private set; }

    public void Add(in StoredRecord record, ReadOnlySpan<byte> payload)
    {
        Bytes += RecordFormat.SizeOf(record.Header.Length);
        if (record.Header.Kind == LogRecordKind.Batch) Batches++;
        else DeadLetters++;

        // Of an unreadable letter nobody counts a seq.
        if (BatchReader.ReadHeader(payload, out BatchHeader header, out _) != DecodeStatus.Done) return;
        ref var seqs = ref CollectionsMarshal.GetValueRefOrAddDefault(_seqs, (record.Header.DeviceKey, header.Epoch), out _);
        (seqs ??= []).Add((header.Seq, record.Position, record.Header.ReceivedUnixMs));
    }

    /// <summary>Adds the records that remember the dropped seqs, each at the position of the batch with its first one.</summary>
    public void AddTo(SegmentRecords records)
    {
        foreach (((uint deviceKey, uint epoch), var seqs) in _seqs)
        {
            seqs.Sort();
            List<(ulong First, ulong Last)> ranges = [];
            (ulong Seq, long Position, long ReceivedUnixMs) first = seqs[0];
            foreach (var dropped in seqs)
            {
                if (ranges.Count > 0 && dropped.Seq <= ranges[^1].Last + 1)
                {
                    ranges[^1] = (ranges[^1].First, dropped.Seq);
                    continue;
                }

                if (ranges.Count == DroppedSeqs.MaxRanges)
                {
                    Put();
                    ranges.Clear();
                    first = dropped;
                }

                ranges.Add((dropped.Seq, dropped.Seq));
            }

            Put();

            void Put()
            {
                byte[] payload = DroppedSeqs.Write(epoch, ranges);
                records.Add(first.Position, new RecordHeader(payload.Length, LogRecordKind.SeqsDropped, 0, deviceKey, first.ReceivedUnixMs), payload);
            }
        }
    }
}
