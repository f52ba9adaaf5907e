using System.Buffers;
using System.Buffers.Binary;

namespace Telemetry.Wire.Batches;

/// <summary>Seals a batch anew from its parts (proto/WIRE.md, "Batch"): of a batch that the device SDK sealed, the same bytes.</summary>
/// <remarks>One instance a thread; buffers are reused. Use: <see cref="Begin"/>, <see cref="AddLoss"/> in order, <see cref="AddBlock"/> in order, <see cref="Seal"/>.</remarks>
public sealed class BatchPacker
{
    private readonly ArrayBufferWriter<byte> _batch = new();
    private readonly ArrayBufferWriter<byte> _inner = new();

    /// <summary>Begins a batch: everything before its losses. The header's counts are not looked at.</summary>
    public void Begin(in BatchHeader header)
    {
        _batch.ResetWrittenCount();
        PutFixed32(0x0D, header.Epoch);
        PutField(_batch, 2, header.Seq);
        PutField(_batch, 3, header.Boot);
        PutFixed32(0x25, header.ProfileHash);
        PutField(_inner, 1, (ulong)header.Clock.WallUnixMs);
        PutField(_inner, 2, (ulong)header.Clock.UptimeMs);
        PutField(_inner, 3, header.Clock.ErrorMs);
        PutField(_inner, 4, (ulong)header.Clock.Source);
        PutInner(5);
    }

    /// <summary>Adds an entry of the loss ledger.</summary>
    public void AddLoss(in LossEntry loss)
    {
        PutField(_inner, 1, (ulong)loss.SignalId);
        PutField(_inner, 2, (ulong)loss.Reason);
        PutField(_inner, 3, (ulong)loss.Count);
        PutInner(BatchReader.LossField);
    }

    /// <summary>Adds a packed block.</summary>
    public void AddBlock(ReadOnlySpan<byte> block)
    {
        PutVarint(_batch, (BatchReader.BlockField << 3) | ProtoReader.Bytes);
        PutVarint(_batch, (ulong)block.Length);
        _batch.Write(block);
    }

    /// <summary>Ends the batch with its checksum.</summary>
    /// <returns>The whole batch; valid until the next <see cref="Begin"/>.</returns>
    public ReadOnlySpan<byte> Seal()
    {
        PutFixed32(0x7D, Crc32C.Compute(_batch.WrittenSpan));
        return _batch.WrittenSpan;
    }

    // Zero is not written: it is what a reader finds when the field is missing.
    private static void PutField(ArrayBufferWriter<byte> to, int field, ulong value)
    {
        if (value == 0) return;
        PutVarint(to, (ulong)field << 3);
        PutVarint(to, value);
    }

    private void PutInner(int field)
    {
        PutVarint(_batch, ((ulong)field << 3) | ProtoReader.Bytes);
        PutVarint(_batch, (ulong)_inner.WrittenCount);
        _batch.Write(_inner.WrittenSpan);
        _inner.ResetWrittenCount();
    }

    private void PutFixed32(byte tag, uint value)
    {
        Span<byte> to = _batch.GetSpan(1 + sizeof(uint));
        to[0] = tag;
        BinaryPrimitives.WriteUInt32LittleEndian(to[1..], value);
        _batch.Advance(1 + sizeof(uint));
    }

    private static void PutVarint(ArrayBufferWriter<byte> to, ulong value)
    {
        Span<byte> span = to.GetSpan(10);
        int at = 0;
        for (; value >= 0x80; value >>= 7) span[at++] = (byte)(value | 0x80);
        span[at++] = (byte)value;
        to.Advance(at);
    }
}
