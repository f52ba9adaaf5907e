using Telemetry.Simulator.Blocks;
using Telemetry.Wire.Blocks;

namespace Telemetry.Cli;

/// <summary>Sums what the parts of a file of blocks cost. Everything in the file is counted once.</summary>
internal sealed class BlockCosts
{
    private readonly SortedDictionary<int, Column> _columns = [];

    public long Rows { get; private set; }

    public long Blocks { get; private set; }

    /// <summary>Filled cells.</summary>
    public long Samples { get; private set; }

    /// <summary>The whole file.</summary>
    public long Bytes { get; private set; }

    public double BytesPerSample => Samples == 0 ? 0 : (double)Bytes / Samples;

    /// <summary>Front of the file and the length before each block.</summary>
    public long FrameBytes { get; private set; }

    /// <summary>Flags, counts, start, period, ids and lengths inside the blocks.</summary>
    public long HeaderBytes { get; private set; }

    public long TimelineBytes { get; private set; }

    public IEnumerable<Column> Columns => _columns.Values;

    public void Add(BlockFileHeader front, BlockLayout block)
    {
        Rows += block.Rows;
        Blocks++;
        HeaderBytes += block.HeaderBytes + block.QualityBytes;
        TimelineBytes += block.TimelineBytes;
        foreach (ColumnLayout column in block.Columns)
        {
            if (column.SignalId == BlockFile.EmptyRowSignal || column.SignalId >= front.Names.Count)
            {
                HeaderBytes += column.Bytes;
                continue;
            }

            if (!_columns.TryGetValue(column.SignalId, out Column? sum))
                _columns.Add(column.SignalId, sum = new Column(front.Names[column.SignalId], column.Kind switch { 1 => "wide", 2 => "real", _ => "integer" }));
            sum.Samples += block.Rows;
            sum.Bytes += column.Bytes;
            Samples += block.Rows;
        }
    }

    public void Finish(BlockFileHeader front, long fileBytes)
    {
        Bytes = fileBytes;
        FrameBytes = fileBytes - HeaderBytes - TimelineBytes - _columns.Values.Sum(column => column.Bytes);
        if (FrameBytes < front.Bytes) throw new InvalidDataException("The parts of the file do not add up to its length.");
    }

    internal sealed class Column(string name, string kind)
    {
        public string Name { get; } = name;

        public string Kind { get; } = kind;

        public long Samples { get; set; }

        public long Bytes { get; set; }

        public double BytesPerSample => Samples == 0 ? 0 : (double)Bytes / Samples;
    }
}
