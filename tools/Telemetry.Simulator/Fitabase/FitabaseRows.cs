using System.Globalization;
using System.IO.Compression;

namespace Telemetry.Simulator.Fitabase;

/// <summary>A cursor over one of the files: <c>id, local_unix</c> and one or two whole numbers, found by the header's names.</summary>
internal sealed class FitabaseRows : IDisposable
{
    // Numbers outside these cannot be of a wrist or a minute; they also keep every value inside the profile's range.
    private const int MaxHeartRate = 250, LeastHeartRate = 20, MaxSteps = 1000, MaxIntensity = 3;

    private readonly string _file;
    private readonly StreamReader _reader;
    private readonly int[] _columns;
    private readonly string[] _names;
    private readonly Action<BadRow> _bad;
    private long _line = 1;

    public FitabaseRows(string path, string[] names, Action<BadRow> bad)
    {
        _file = Path.GetFileName(path);
        _names = names;
        _bad = bad;
        Stream stream = File.OpenRead(path);
        if (path.EndsWith(".gz", StringComparison.Ordinal)) stream = new GZipStream(stream, CompressionMode.Decompress);
        _reader = new StreamReader(stream);
        string[] header = (ReadLine() ?? "").Split(',');
        _columns = [.. names.Select(name => Array.IndexOf(header, name))];
        int missing = Array.IndexOf(_columns, -1);
        if (missing < 0) return;
        _reader.Dispose();
        throw new InputException($"{path} line 1: column '{names[missing]}' is missing; expected {string.Join(',', names)}, found '{string.Join(',', header)}'.");
    }

    public bool HasRow { get; private set; }

    public long Id { get; private set; } = long.MinValue;

    public long UnixMs { get; private set; } = long.MinValue;

    /// <summary>The third named column.</summary>
    public int First { get; private set; }

    /// <summary>The fourth, or 0.</summary>
    public int Second { get; private set; }

    public bool MoveNext()
    {
        while (ReadLine() is { } line)
        {
            _line++;
            if (line.Length == 0) continue;
            string? fault = Parse(line);
            if (fault is null) return HasRow = true;
            _bad(new BadRow(_file, _line, fault));
        }

        return HasRow = false;
    }

    public void Dispose() => _reader.Dispose();

    private string? ReadLine()
    {
        try
        {
            return _reader.ReadLine();
        }
        catch (InvalidDataException damaged)
        {
            throw new InputException($"{_file} is damaged after line {_line}: {damaged.Message}", damaged);
        }
    }

    private string? Parse(string line)
    {
        Span<Range> cells = stackalloc Range[16];
        ReadOnlySpan<char> text = line;
        int count = text.Split(cells, ',');
        if (count <= _columns.Max()) return $"{count} columns, expected at least {_columns.Max() + 1}";
        if (!long.TryParse(text[cells[_columns[0]]], NumberStyles.None, CultureInfo.InvariantCulture, out long id)) return Fault(text, cells, 0, "a whole number");
        if (!double.TryParse(text[cells[_columns[1]]], NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) || seconds is < 1 or > 1e11)
        {
            return Fault(text, cells, 1, "seconds since 1970");
        }

        bool isHeart = _columns.Length == 3;
        if (!TryWhole(text[cells[_columns[2]]], isHeart ? LeastHeartRate : 0, isHeart ? MaxHeartRate : MaxSteps, out int first))
        {
            return Fault(text, cells, 2, isHeart ? $"a whole number {LeastHeartRate}-{MaxHeartRate}" : $"a whole number 0-{MaxSteps}");
        }

        int second = 0;
        if (!isHeart && !TryWhole(text[cells[_columns[3]]], 0, MaxIntensity, out second)) return Fault(text, cells, 3, $"a whole number 0-{MaxIntensity}");
        long unixMs = (long)Math.Round(seconds * 1000);
        if (id < Id) return $"id {id} after id {Id}; the file must be grouped by ascending id";
        if (id == Id && unixMs <= UnixMs) return $"time {seconds:0.###} does not follow {UnixMs / 1000d:0.###}";
        (Id, UnixMs, First, Second) = (id, unixMs, first, second);
        return null;
    }

    private static bool TryWhole(ReadOnlySpan<char> text, int least, int most, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;

    private string Fault(ReadOnlySpan<char> text, Span<Range> cells, int column, string expected)
    {
        ReadOnlySpan<char> found = text[cells[_columns[column]]];
        return $"{_names[column]} is '{(found.Length > 40 ? found[..40] : found)}', expected {expected}";
    }
}
