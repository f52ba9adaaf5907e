using Telemetry.Wire.V1;

namespace Telemetry.Simulator.People;

/// <summary>Derived scenarios held against the truth, minute by minute.</summary>
public sealed class TruthComparison
{
    /// <summary>The name of minutes no segment covers.</summary>
    public const string Missing = "(none)";

    private const long MinuteMs = 60_000;

    private readonly SortedDictionary<(string Truth, string Derived), long> _cells = [];

    /// <summary>Minutes compared.</summary>
    public long Minutes { get; private set; }

    /// <summary>Minutes where both say the same.</summary>
    public long Agreeing { get; private set; }

    /// <summary>Agreeing minutes, 0..1; 0 when nothing was compared.</summary>
    public double Agreement => Minutes == 0 ? 0 : (double)Agreeing / Minutes;

    /// <summary>Minutes by true and derived scenario.</summary>
    public IReadOnlyDictionary<(string Truth, string Derived), long> Cells => _cells;

    /// <summary>Every name that occurs on either side, in order.</summary>
    public IReadOnlyList<string> Names => [.. _cells.Keys.SelectMany(cell => new[] { cell.Truth, cell.Derived }).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Takes in one user.</summary>
    /// <param name="truth">One entry a minute.</param>
    /// <param name="startUnixMs">The first minute.</param>
    /// <param name="segments">Derived segments; those outside the truth are left out.</param>
    public void Add(ReadOnlySpan<TrueMinute> truth, long startUnixMs, IEnumerable<Segment> segments)
    {
        string[] derived = new string[truth.Length];
        Array.Fill(derived, Missing);
        foreach (Segment segment in segments)
        {
            long first = Math.Max(0, (segment.StartUnixMs - startUnixMs) / MinuteMs);
            long end = Math.Min(derived.Length, (segment.EndUnixMs - startUnixMs) / MinuteMs);
            for (long minute = first; minute < end; minute++) derived[minute] = segment.Scenario;
        }

        for (int minute = 0; minute < truth.Length; minute++)
        {
            (string, string) cell = (truth[minute].Scenario, derived[minute]);
            _cells[cell] = _cells.GetValueOrDefault(cell) + 1;
            Minutes++;
            if (cell.Item1 == cell.Item2) Agreeing++;
        }
    }

    /// <summary>True minutes of a scenario.</summary>
    public long TrueMinutes(string name) => _cells.Where(cell => cell.Key.Truth == name).Sum(cell => cell.Value);

    /// <summary>Derived minutes of a scenario.</summary>
    public long DerivedMinutes(string name) => _cells.Where(cell => cell.Key.Derived == name).Sum(cell => cell.Value);
}
