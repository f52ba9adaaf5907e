using System.Globalization;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Fitabase;

/// <summary>
/// Reads a Fitabase export, person by person: <c>minute_long.csv[.gz]</c> (steps and intensity a minute) joined with
/// <c>heartrate_5s.csv[.gz]</c> (readings every 5 to 15 s, optional). Memory holds one person at a time.
/// </summary>
/// <remarks>
/// The files know local wall-clock time only; it is taken as UTC. Both must be grouped by person, ascending by number and then
/// by time. A row that breaks this, or that is not numbers, is left out, counted, and kept as an example up to <see cref="MaxExamples"/>.
/// </remarks>
public sealed class FitabaseReader
{
    /// <summary>Bad rows kept with their line; all are counted.</summary>
    public const int MaxExamples = 20;

    /// <summary>Ids of the signals in the fitabase profile.</summary>
    public const int HeartRateSignal = 1, StepsSignal = 2, IntensitySignal = 3;

    private const int MinuteMs = 60_000;

    private readonly string _minutesPath;
    private readonly string? _heartPath;
    private readonly List<BadRow> _examples = [];

    private FitabaseReader(string minutesPath, string? heartPath) => (_minutesPath, _heartPath) = (minutesPath, heartPath);

    /// <summary>The first bad rows met so far.</summary>
    public IReadOnlyList<BadRow> BadRows => _examples;

    /// <summary>Bad rows met so far.</summary>
    public long BadRowCount { get; private set; }

    /// <summary>Finds the files of a folder.</summary>
    /// <exception cref="InputException">The folder or its minute file is missing.</exception>
    public static FitabaseReader Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new InputException($"--path '{folder}' is not a folder; the folder of minute_long.csv.gz is expected.");
        string minutes = Find(folder, "minute_long.csv")
            ?? throw new InputException($"--path '{folder}' has no minute_long.csv.gz or minute_long.csv, which the fitabase source needs.");
        return new FitabaseReader(minutes, Find(folder, "heartrate_5s.csv"));
    }

    /// <summary>Streams the people in ascending number. Every enumeration reads the files again and adds to the counts.</summary>
    /// <exception cref="InputException">A file is no such CSV at all: not readable, damaged, or without the columns named.</exception>
    public IEnumerable<FitabasePerson> People()
    {
        using FitabaseRows minutes = new(_minutesPath, ["id", "local_unix", "steps", "intensity"], Bad);
        using FitabaseRows? heart = _heartPath is null ? null : new FitabaseRows(_heartPath, ["id", "local_unix", "hr"], Bad);
        minutes.MoveNext();
        heart?.MoveNext();
        List<Reading> beats = [];
        while (minutes.HasRow || heart is { HasRow: true })
        {
            long id = Math.Min(minutes.HasRow ? minutes.Id : long.MaxValue, heart is { HasRow: true } ? heart.Id : long.MaxValue);
            beats.Clear();
            for (; heart is { HasRow: true } && heart.Id == id; heart.MoveNext())
            {
                beats.Add(new Reading(heart.UnixMs, HeartRateSignal, heart.First, Reading.Worn));
            }

            yield return new FitabasePerson(id.ToString(CultureInfo.InvariantCulture), Merge(id, beats, minutes));
        }
    }

    // At the same instant the heart rate comes first.
    private static List<Reading> Merge(long id, List<Reading> beats, FitabaseRows minutes)
    {
        List<Reading> readings = new(beats.Count + 1024);
        int next = 0;
        for (; minutes.HasRow && minutes.Id == id; minutes.MoveNext())
        {
            long start = minutes.UnixMs;
            for (; next < beats.Count && beats[next].UnixMs <= start; next++) readings.Add(beats[next]);
            byte quality = IsWorn(start, beats, next) ? Reading.Worn : (byte)0;
            readings.Add(new Reading(start, StepsSignal, minutes.First, quality));
            readings.Add(new Reading(start, IntensitySignal, minutes.Second, quality));
        }

        for (; next < beats.Count; next++) readings.Add(beats[next]);
        return readings;
    }

    // The files do not say whether the band was worn. Where its heart rates run on both before and after, a minute without one
    // was not; where there are none to judge by, the minute counts as worn.
    private static bool IsWorn(long start, List<Reading> beats, int next)
    {
        bool isInsideSeries = next > 0 && next < beats.Count;
        if (!isInsideSeries) return true;
        return beats[next - 1].UnixMs >= start || beats[next].UnixMs < start + MinuteMs;
    }

    private void Bad(BadRow row)
    {
        BadRowCount++;
        if (_examples.Count < MaxExamples) _examples.Add(row);
    }

    private static string? Find(string folder, string name) =>
        new[] { Path.Combine(folder, name + ".gz"), Path.Combine(folder, name) }.FirstOrDefault(File.Exists);
}
