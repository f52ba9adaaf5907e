using System.Globalization;
using System.IO.Compression;

namespace Telemetry.Simulator.Blocks;

/// <summary>A CSV of samples: a header, then one row an instant; column 1 is the time, the others are signals. Empty cells are missing samples.</summary>
public sealed class CsvSeries
{
    // From 1973-03-03 on a count of ms since 1970 has 12 digits; a count of seconds gets there in the year 5138.
    private const long LeastMsTime = 100_000_000_000;
    private const int MaxTimeDecimals = 3;

    private CsvSeries(IReadOnlyList<string> names, TimeFormat time, long[] timesMs, IReadOnlyList<CsvColumn> columns)
    {
        Names = names;
        Time = time;
        TimesMs = timesMs;
        Columns = columns;
    }

    /// <summary>Cells of the header, as they stand, the time's first.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>How the time is written.</summary>
    public TimeFormat Time { get; }

    /// <summary>Time of each row in ms, as counted by the file.</summary>
    public long[] TimesMs { get; }

    /// <summary>The signals, without the time.</summary>
    public IReadOnlyList<CsvColumn> Columns { get; }

    /// <summary>Reads a file; one that ends in .gz is unpacked.</summary>
    /// <exception cref="InvalidDataException">Names the line and the cell that is not a number.</exception>
    public static CsvSeries Read(string path)
    {
        using Stream file = File.OpenRead(path);
        using Stream plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using StreamReader reader = new(plain);
        return Read(reader);
    }

    /// <summary>Reads from text.</summary>
    /// <exception cref="InvalidDataException">Names the line and the cell that is not a number.</exception>
    public static CsvSeries Read(TextReader reader)
    {
        string header = reader.ReadLine() ?? throw new InvalidDataException("The file is empty; a header line is expected.");
        if (header.Contains('"', StringComparison.Ordinal)) throw new InvalidDataException("The header has a quoted cell; cells without quotes, separated by commas, are expected.");
        string[] names = header.Split(',');
        if (names.Length < 2) throw new InvalidDataException($"The header has {names.Length} column; a time and at least one signal, separated by commas, are expected.");
        List<string[]> rows = [];
        for (int line = 2; reader.ReadLine() is { } text; line++)
        {
            if (text.Length == 0) continue;
            string[] cells = text.Split(',');
            if (cells.Length != names.Length) throw new InvalidDataException($"Line {line} has {cells.Length} cells; the header has {names.Length}.");
            rows.Add(cells);
        }

        TimeFormat time = ReadTimes(rows, out long[] timesMs);
        CsvColumn[] columns = new CsvColumn[names.Length - 1];
        for (int i = 0; i < columns.Length; i++) columns[i] = CsvColumn.Read(names[i + 1], [.. rows.Select(row => row[i + 1])]);
        return new CsvSeries(names, time, timesMs, columns);
    }

    private static TimeFormat ReadTimes(List<string[]> rows, out long[] timesMs)
    {
        timesMs = new long[rows.Count];
        int decimals = rows.Count == 0 ? 0 : DecimalText.DecimalsOf(rows[0][0]);
        bool isMs = decimals == 0 && rows.Count > 0 && DecimalText.TryParse(rows[0][0], 0, out long first) && Math.Abs(first) >= LeastMsTime;
        long unit = isMs ? 1 : (long)Math.Pow(10, MaxTimeDecimals - Math.Min(decimals, MaxTimeDecimals));
        for (int row = 0; row < rows.Count; row++)
        {
            string cell = rows[row][0];
            if (decimals > MaxTimeDecimals || DecimalText.DecimalsOf(cell) != decimals || !DecimalText.TryParse(cell, decimals, out long value))
            {
                throw new InvalidDataException(
                    $"Line {row + 2}: the time '{cell}' is not understood; seconds with the same number of decimals in every row (at most 3) or whole ms are expected.");
            }

            timesMs[row] = value * unit;
        }

        return new TimeFormat(isMs, decimals);
    }
}

/// <summary>How a CSV writes its time.</summary>
/// <param name="IsMs">In ms; otherwise in seconds.</param>
/// <param name="Decimals">Digits after the point, 0..3.</param>
public readonly record struct TimeFormat(bool IsMs, int Decimals)
{
    /// <summary>The text of an instant, as the file had it.</summary>
    public string Write(long ms) =>
        IsMs ? ms.ToString(CultureInfo.InvariantCulture) : DecimalText.Write(ms / (long)Math.Pow(10, 3 - Decimals), Decimals, isTrimmed: false);
}
