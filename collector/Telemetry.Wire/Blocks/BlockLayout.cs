using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>What each part of a packed block costs, read without decoding its columns.</summary>
public sealed class BlockLayout
{
    private BlockLayout(PackedBlock.Shape shape, int timelineBytes, int qualityBytes, IReadOnlyList<ColumnLayout> columns, int blockBytes)
    {
        Rows = shape.Rows;
        StartMs = shape.StartMs;
        IsRegular = PackedBlock.IsRegular(shape);
        TimelineBytes = timelineBytes;
        QualityBytes = qualityBytes;
        Columns = columns;
        HeaderBytes = blockBytes - timelineBytes - qualityBytes - columns.Sum(column => column.Bytes);
    }

    /// <summary>Rows of the block.</summary>
    public int Rows { get; }

    /// <summary>Uptime of the first row in ms.</summary>
    public long StartMs { get; }

    /// <summary>All steps are equal.</summary>
    public bool IsRegular { get; }

    /// <summary>Bytes of the irregular steps; 0 when regular.</summary>
    public int TimelineBytes { get; }

    /// <summary>Bytes of a changing quality mask.</summary>
    public int QualityBytes { get; }

    /// <summary>Everything that is no stream: flags, counts, start, period, ids, lengths.</summary>
    public int HeaderBytes { get; }

    /// <summary>The columns in order.</summary>
    public IReadOnlyList<ColumnLayout> Columns { get; }

    /// <summary>Reads the parts of a packed block.</summary>
    /// <returns>None, or what <see cref="BlockDecoder.Decode(ReadOnlySpan{byte}, bool)"/> would say about the same header.</returns>
    public static RefusalReason Read(ReadOnlySpan<byte> block, out BlockLayout? layout)
    {
        layout = null;
        RefusalReason reason = PackedBlock.ReadShape(block, out PackedBlock.Shape shape);
        if (reason != RefusalReason.None) return reason;
        List<ColumnLayout> columns = new(shape.Columns);
        if (!PackedBlock.TryReadParts(block, shape, columns, out int timelineBytes, out int qualityBytes)) return RefusalReason.Malformed;
        layout = new BlockLayout(shape, timelineBytes, qualityBytes, columns, block.Length);
        return RefusalReason.None;
    }
}

/// <summary>One column of a <see cref="BlockLayout"/>.</summary>
/// <param name="SignalId">1..65535.</param>
/// <param name="Kind">0 integer, 1 wide integer, 2 real, 3 integer about a level.</param>
/// <param name="Bytes">Of its stream.</param>
public readonly record struct ColumnLayout(int SignalId, int Kind, int Bytes);
