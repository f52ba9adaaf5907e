namespace Telemetry.Wire.Blocks;

/// <summary>Unpacks one block into columns (proto/WIRE.md, "Block"). One instance a thread; buffers are reused between calls.</summary>
/// <remarks>Never reads past its input, and sizes nothing from the input beyond <see cref="WireLimits.MaxBlockRows"/> and <see cref="WireLimits.MaxBlockColumns"/>.</remarks>
public sealed class BlockDecoder
{
    /// <summary>Rows of the last decoded block.</summary>
    public int RowCount { get; private set; }

    /// <summary>Columns of the last decoded block.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Time of each row, device uptime in ms. Valid until the next call.</summary>
    public ReadOnlySpan<long> TimesMs => throw new NotSupportedException();

    /// <summary>Quality of each row (bit 0 worn, 1 charging, 2 estimated); empty when the block carries no mask.</summary>
    public ReadOnlySpan<byte> Quality => throw new NotSupportedException();

    /// <summary>Decodes a packed block.</summary>
    /// <returns>Done, or Malformed.</returns>
    public DecodeStatus Decode(ReadOnlySpan<byte> block) => throw new NotSupportedException();

    /// <summary>Signal id of a column.</summary>
    public int SignalId(int column) => throw new NotSupportedException();

    /// <summary>True when the column carries IEEE reals: read <see cref="Reals"/>; otherwise <see cref="Integers"/>.</summary>
    public bool IsReal(int column) => throw new NotSupportedException();

    /// <summary>Scaled integers of a column, one a row. Valid until the next call.</summary>
    public ReadOnlySpan<long> Integers(int column) => throw new NotSupportedException();

    /// <summary>Reals of a column, one a row. Valid until the next call.</summary>
    public ReadOnlySpan<double> Reals(int column) => throw new NotSupportedException();
}
