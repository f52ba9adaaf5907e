using System.Globalization;
using System.IO.Compression;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;

namespace Telemetry.Scenarios.Tests.Segments;

/// <summary>
/// A run of six minutes between two walks of five, put together from real minutes of one wrist (fitabase: steps and intensity, of some people heart rate): rest, walk, run, walk, rest,
/// each piece as it was recorded. What a piece is follows from its pace: 90 to 128 steps a minute is walking, 140 and more running.
/// </summary>
public sealed class RealPiecesTests
{
    private const int Walk = 5, Run = 6, Rest = 40, MostOfAPerson = 25;
    private static readonly BoundModel Default = new(ModelFile.Default, FeatureCatalog.Names);

    [RealPartFact("data:fitabase")]
    public void Segments_RealRunBetweenRealWalks_NineInTenAreFound()
    {
        int bouts = 0, found = 0, people = 0;
        foreach (SortedDictionary<int, RealMinute> minutes in People())
        {
            List<RealMinute[]> rests = Pieces(minutes, Rest, minute => minute is { Steps: < 15, LocalHour: >= 9 and < 22 });
            List<RealMinute[]> walks = Pieces(minutes, Walk, minute => minute.Steps is >= 90 and <= 128), runs = Pieces(minutes, Run, minute => minute.Steps >= 140);
            if (rests.Count == 0 || walks.Count < 2 || runs.Count == 0) continue;
            people++;
            for (int i = 0; i < Math.Min(MostOfAPerson, Math.Max(walks.Count / 2, runs.Count)); i++, bouts++)
            {
                if (IsFound([.. rests[i % rests.Count], .. walks[2 * i % walks.Count], .. runs[i % runs.Count], .. walks[((2 * i) + 1) % walks.Count], .. rests[(i + 1) % rests.Count]])) found++;
            }
        }

        Assert.True(people >= 5 && bouts >= 50, $"{bouts} bouts of {people} people: too few to tell.");
        Assert.True(found >= 0.9 * bouts, $"{found} of {bouts} bouts of {people} people are found.");
    }

    // A run that holds most of the true one, and a walk on either side of it.
    private static bool IsFound(RealMinute[] minutes)
    {
        const int From = Persona.Midnight + 600;
        int runStart = From + Rest + Walk, runEnd = runStart + Run;
        List<Segment> segments = DaySegmenter.Derive(Default, Persona.Midnight / 1440, [.. minutes.Select((minute, i) => (From + i, minute.ToRow()))], From, From + minutes.Length - 1, 0);
        return Common(ScenarioNames.Run, runStart, runEnd) >= 4 && Common(ScenarioNames.Walk, runStart - Walk, runStart) >= 3 && Common(ScenarioNames.Walk, runEnd, runEnd + Walk) >= 3;

        int Common(string scenario, int from, int to) =>
            segments.Where(segment => segment.Scenario == scenario).Sum(segment => Math.Max(0, Math.Min(to, segment.EndMinute) - Math.Max(from, segment.StartMinute)));
    }

    // Stretches of following minutes that all fit, cut to length.
    private static List<RealMinute[]> Pieces(SortedDictionary<int, RealMinute> minutes, int length, Predicate<RealMinute> fits)
    {
        List<RealMinute[]> pieces = [];
        List<RealMinute> open = [];
        int last = int.MinValue;
        foreach ((int minute, RealMinute one) in minutes)
        {
            if (minute != last + 1 || !fits(one)) open.Clear();
            last = minute;
            if (!fits(one)) continue;
            open.Add(one);
            if (open.Count < length) continue;
            pieces.Add([.. open]);
            open.Clear();
        }

        return pieces;
    }

    private static IEnumerable<SortedDictionary<int, RealMinute>> People()
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(Path.Combine(RealParts.DataFolder!, "fitabase", "minute_long.csv.gz")), CompressionMode.Decompress));
        reader.ReadLine();
        string person = "";
        SortedDictionary<int, RealMinute> minutes = [];
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            if (cells[0] != person && minutes.Count > 0)
            {
                yield return minutes;
                minutes = [];
            }

            person = cells[0];
            int minute = (int)(double.Parse(cells[1], CultureInfo.InvariantCulture) / 60);
            if (cells[2].Length > 0) minutes[minute] = new RealMinute(minute % 1440 / 60, Number(cells[2]), Number(cells[3]), Number(cells[4]), Number(cells[5]), Number(cells[6]));
        }

        yield return minutes;
    }

    private static double Number(string cell) => cell.Length == 0 ? double.NaN : double.Parse(cell, CultureInfo.InvariantCulture);

    private sealed record RealMinute(int LocalHour, double Steps, double Intensity, double HeartMean, double HeartLeast, double HeartMost)
    {
        public MinuteRow ToRow()
        {
            MinuteRow row = new();
            DeviceMinute band = row.Device(1)!;
            Add(SignalSlot.Steps, Steps);
            Add(SignalSlot.Intensity, Intensity);
            foreach (double heart in (double[])[HeartLeast, HeartMean, HeartMost]) Add(SignalSlot.HeartRate, heart);
            return row;

            void Add(SignalSlot slot, double value)
            {
                if (!double.IsNaN(value)) band.Cell(slot).Add((int)Math.Round(value * SlotCatalog.Of(slot).Scale));
            }
        }
    }
}
