using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Batches;

/// <summary>Walks the loss ledger of a batch: <c>foreach (LossEntry loss in BatchReader.Losses(batch))</c>. No allocation.</summary>
public ref struct LossEnumerator
{
    private ProtoReader _fields;

    internal LossEnumerator(ReadOnlySpan<byte> body) => _fields = new ProtoReader(body);

    /// <summary>Itself.</summary>
    public readonly LossEnumerator GetEnumerator() => this;

    /// <summary>The entry last moved to.</summary>
    public LossEntry Current { get; private set; }

    /// <summary>Moves to the next entry.</summary>
    public bool MoveNext()
    {
        while (_fields.TryRead())
        {
            if (_fields.Field > BatchReader.LossField) return false;
            if (_fields.Field != BatchReader.LossField || _fields.WireType != ProtoReader.Bytes) continue;
            if (Read(_fields.Content, out LossEntry entry) != RefusalReason.None) return false;
            Current = entry;
            return true;
        }

        return false;
    }

    internal static RefusalReason Check(ref ProtoReader fields) =>
        fields.WireType == ProtoReader.Bytes ? Read(fields.Content, out _) : RefusalReason.Malformed;

    private static RefusalReason Read(ReadOnlySpan<byte> message, out LossEntry entry)
    {
        ulong signal = 0, lossReason = 0, count = 0;
        ProtoReader inner = new(message);
        RefusalReason reason = RefusalReason.None;
        while (reason == RefusalReason.None && inner.TryRead())
        {
            reason = inner.Field switch
            {
                1 => BatchReader.Single(ref inner, ProtoReader.Varint, WireLimits.MaxSignalId, out signal),
                2 => BatchReader.Single(ref inner, ProtoReader.Varint, int.MaxValue, out lossReason),
                3 => BatchReader.Single(ref inner, ProtoReader.Varint, long.MaxValue, out count),
                _ => RefusalReason.None,
            };
        }

        entry = new LossEntry((int)signal, (int)lossReason, (long)count);
        return inner.IsMalformed ? RefusalReason.Malformed : reason;
    }
}

/// <summary>Samples of one signal that were recorded and will not arrive.</summary>
/// <param name="SignalId">0 = unknown signal.</param>
/// <param name="Reason">Numeric telemetry.v1.LossReason; numbers of later versions pass through.</param>
/// <param name="Count">How many samples.</param>
public readonly record struct LossEntry(int SignalId, int Reason, long Count);
