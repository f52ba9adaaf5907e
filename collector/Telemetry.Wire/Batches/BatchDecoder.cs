using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Batches;

/// <summary>
/// Turns a whole batch into rows for consumers of the log:
/// <code>
/// if (decoder.Open(batch, out RefusalReason reason) != DecodeStatus.Done) ...
/// foreach (BlockDecoder block in decoder.Blocks(batch))
///     for (int column = 0; column &lt; block.ColumnCount; column++) ... block.SignalId(column), block.Integers(column) ...
/// </code>
/// Packed and plain blocks come out alike. One instance a thread; the block's columns are valid until the next one.
/// </summary>
public sealed class BatchDecoder
{
    private readonly BlockDecoder _block = new();

    /// <summary>Header of the batch last opened.</summary>
    public BatchHeader Header { get; private set; }

    /// <summary>Checks and reads the header: <see cref="BatchReader.ReadHeader"/>.</summary>
    /// <returns>Done, or Malformed with the reason.</returns>
    public DecodeStatus Open(ReadOnlySpan<byte> batch, out RefusalReason reason)
    {
        DecodeStatus status = BatchReader.ReadHeader(batch, out BatchHeader header, out reason);
        Header = header;
        return status;
    }

    /// <summary>Decodes the blocks one by one, of the batch last opened. Stops at the first that is not good; ingest lets none of those through.</summary>
    public DecodedBlocks Blocks(ReadOnlySpan<byte> batch) => new(_block, batch);

    /// <summary>Opens a batch and decodes every block: what must be so before a batch may be acknowledged as stored.</summary>
    /// <returns>None, or why the batch belongs among the dead letters.</returns>
    public RefusalReason Check(ReadOnlySpan<byte> batch, out BatchHeader header, out long samples)
    {
        samples = 0;
        header = default;
        if (Open(batch, out RefusalReason reason) != DecodeStatus.Done) return reason;
        header = Header;
        foreach (BlockSlice slice in BatchReader.Blocks(batch))
        {
            reason = _block.Decode(batch.Slice(slice.Offset, slice.Length), slice.IsPlain);
            if (reason != RefusalReason.None) return reason;
            samples += (long)_block.RowCount * _block.ColumnCount;
        }

        return RefusalReason.None;
    }

    /// <summary>Unix time in ms of row <paramref name="uptimeMs"/> by the batch's own clock pair.</summary>
    /// <param name="uptimeMs">A row's time, from <see cref="BlockDecoder.TimesMs"/>.</param>
    /// <param name="unixMs">Its Unix time; 0 when the device did not know the time.</param>
    /// <returns>False when the clock was never set: a later pair of the same (device, epoch, boot) or the receive time must place it.</returns>
    public bool TryGetUnixMs(long uptimeMs, out long unixMs)
    {
        unixMs = Header.Clock.IsSet ? Header.Clock.ToUnixMs(uptimeMs) : 0;
        return Header.Clock.IsSet;
    }
}

/// <summary>The decoded blocks of a batch, one after the other in the same <see cref="BlockDecoder"/>.</summary>
public ref struct DecodedBlocks
{
    private readonly ReadOnlySpan<byte> _batch;
    private BlockEnumerator _slices;

    internal DecodedBlocks(BlockDecoder block, ReadOnlySpan<byte> batch)
    {
        Current = block;
        _batch = batch;
        _slices = BatchReader.Blocks(batch);
    }

    /// <summary>Itself.</summary>
    public readonly DecodedBlocks GetEnumerator() => this;

    /// <summary>The block last moved to. Always the same instance.</summary>
    public BlockDecoder Current { get; }

    /// <summary>None while every block was good.</summary>
    public RefusalReason Fault { get; private set; }

    /// <summary>Decodes the next block.</summary>
    /// <returns>False at the end, or with a <see cref="Fault"/>.</returns>
    public bool MoveNext()
    {
        if (Fault != RefusalReason.None || !_slices.MoveNext()) return false;
        BlockSlice slice = _slices.Current;
        Fault = Current.Decode(_batch.Slice(slice.Offset, slice.Length), slice.IsPlain);
        return Fault == RefusalReason.None;
    }
}
