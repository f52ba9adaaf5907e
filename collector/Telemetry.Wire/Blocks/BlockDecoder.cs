using System.Runtime.InteropServices;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>Unpacks one block into columns (proto/WIRE.md, "Block"). One instance a thread; buffers are reused between calls.</summary>
/// <remarks>Never reads past its input, and sizes nothing from the input beyond <see cref="WireLimits.MaxBlockRows"/> and <see cref="WireLimits.MaxBlockColumns"/>.</remarks>
public sealed class BlockDecoder
{
    private readonly long[]?[] _values = new long[]?[WireLimits.MaxBlockColumns];
    private readonly int[] _signals = new int[WireLimits.MaxBlockColumns];
    private readonly bool[] _isReal = new bool[WireLimits.MaxBlockColumns];
    private long[] _times = [];
    private byte[] _quality = [];
    private byte[] _input = [];
    private bool _hasQuality;

    /// <summary>Rows of the last decoded block.</summary>
    public int RowCount { get; private set; }

    /// <summary>Columns of the last decoded block.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Time of each row, device uptime in ms. Valid until the next call.</summary>
    public ReadOnlySpan<long> TimesMs => _times.AsSpan(0, RowCount);

    /// <summary>Quality of each row (bit 0 worn, 1 charging, 2 estimated); empty when the block carries no mask.</summary>
    public ReadOnlySpan<byte> Quality => _hasQuality ? _quality.AsSpan(0, RowCount) : default;

    /// <summary>Decodes a packed block.</summary>
    /// <returns>Done, or Malformed: then the block has no rows.</returns>
    public DecodeStatus Decode(ReadOnlySpan<byte> block) =>
        Decode(block, isPlain: false) == RefusalReason.None ? DecodeStatus.Done : DecodeStatus.Malformed;

    /// <summary>Decodes a block of either encoding.</summary>
    /// <returns>None; or Malformed, LimitExceeded or UnsupportedVersion: then the block has no rows.</returns>
    public RefusalReason Decode(ReadOnlySpan<byte> block, bool isPlain)
    {
        RowCount = 0;
        ColumnCount = 0;
        RefusalReason reason = isPlain ? PlainBlockDecoder.Fill(this, block) : PackedBlock.Fill(this, block);
        if (reason != RefusalReason.None) RowCount = ColumnCount = 0;
        return reason;
    }

    /// <summary>Decodes the times of a block and nothing else: <see cref="TimesMs"/> hold, there are no columns to be read.</summary>
    /// <param name="block">The block.</param>
    /// <param name="isPlain">In the plain encoding.</param>
    /// <param name="columns">How many columns the block says it has.</param>
    /// <returns>As <see cref="Decode(ReadOnlySpan{byte}, bool)"/>; of a packed block a fault behind the times is not seen.</returns>
    public RefusalReason DecodeTimes(ReadOnlySpan<byte> block, bool isPlain, out int columns)
    {
        RowCount = 0;
        ColumnCount = 0;
        RefusalReason reason;
        if (isPlain) (reason, columns) = (PlainBlockDecoder.Fill(this, block), ColumnCount);
        else reason = PackedBlock.FillTimes(this, block, out columns);
        (ColumnCount, _hasQuality) = (0, false);
        if (reason != RefusalReason.None) RowCount = columns = 0;
        return reason;
    }

    /// <summary>Signal id of a column, 0..<see cref="ColumnCount"/> - 1.</summary>
    public int SignalId(int column) => _signals[Checked(column)];

    /// <summary>True when the column carries IEEE reals: read <see cref="Reals"/>; otherwise <see cref="Integers"/>.</summary>
    public bool IsReal(int column) => _isReal[Checked(column)];

    /// <summary>Scaled integers of a column, one a row. Valid until the next call.</summary>
    public ReadOnlySpan<long> Integers(int column) => Values(Checked(column));

    /// <summary>Reals of a column, one a row. Valid until the next call.</summary>
    public ReadOnlySpan<double> Reals(int column) => MemoryMarshal.Cast<long, double>(Integers(column));

    /// <summary>Column of a signal, or -1 when the block does not carry it.</summary>
    public int FindColumn(int signalId) => _signals.AsSpan(0, ColumnCount).IndexOf(signalId);

    // The fill side: the decoders of both encodings call these after they have checked the counts against the limits.
    internal void Begin(int rows)
    {
        RowCount = rows;
        _hasQuality = false;
        if (_times.Length < rows + IntegerColumn.Slack) _times = new long[Grown(rows) + IntegerColumn.Slack];
    }

    /// <summary>A copy of the block with <see cref="BlockCursor.Padding"/> zeros behind it, so that streams are read in whole words to their end.</summary>
    internal ReadOnlySpan<byte> Padded(ReadOnlySpan<byte> block)
    {
        int length = block.Length + BlockCursor.Padding;
        if (_input.Length < length) _input = new byte[Grown(length)];
        block.CopyTo(_input);
        _input.AsSpan(block.Length, BlockCursor.Padding).Clear();
        return _input.AsSpan(0, length);
    }

    internal Span<long> Times => _times.AsSpan(0, RowCount);

    // With IntegerColumn.Slack entries behind the last row.
    internal Span<long> TimesBuffer => _times.AsSpan(0, RowCount + IntegerColumn.Slack);

    internal Span<byte> BeginQuality()
    {
        if (_quality.Length < RowCount) _quality = new byte[Grown(RowCount)];
        _hasQuality = true;
        return _quality.AsSpan(0, RowCount);
    }

    internal Span<long> BeginColumn(int signal, bool isReal)
    {
        int column = ColumnCount++;
        _signals[column] = signal;
        _isReal[column] = isReal;
        if (_values[column] is not { } values || values.Length < RowCount + IntegerColumn.Slack)
            _values[column] = new long[Grown(RowCount) + IntegerColumn.Slack];
        return Values(column);
    }

    // The column last begun, with IntegerColumn.Slack entries behind its last row.
    internal Span<long> LastColumnBuffer => _values[ColumnCount - 1].AsSpan(0, RowCount + IntegerColumn.Slack);

    private Span<long> Values(int column) => _values[column].AsSpan(0, RowCount);

    private static int Grown(int rows) => Math.Max(64, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows));

    private int Checked(int column)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)ColumnCount, nameof(column));
        return column;
    }
}
