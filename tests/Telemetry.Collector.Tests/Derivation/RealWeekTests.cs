using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>
/// A week of a real wrist (fitabase: heart rate every 5-15 s, steps a minute) handed in by random plans: order, delay, batches a step, restarts, clocks that are set late, and
/// what the user says somewhere in between. Repeated batches are ingest's to drop and are tested there. TELEMETRY_PLANS sets how many plans, or which ("250-499"); the long run
/// asks for 1000.
/// </summary>
public sealed class RealWeekTests : IDisposable
{
    private const int Days = 7, HourMs = 3_600_000;
    private readonly TempFolder _folder = new();
    private int _runs;

    // Said in this order in every plan, each after another part of the data.
    private static readonly Answer[] s_answers =
    [
        About(0, 600, 25, ScenarioNames.Vehicle, holds: true, ScenarioNames.Desk), About(1, 480, 90, ScenarioNames.Sleep, holds: false, ScenarioNames.Sleep),
        About(2, 720, 40, ScenarioNames.Walk, holds: true, ScenarioNames.Run), About(2, 735, 10, ScenarioNames.Cycle, holds: true, ScenarioNames.Run),
        About(4, 1000, 60, ScenarioNames.Desk, holds: true, ScenarioNames.Rest), About(2, 735, 10, ScenarioNames.Cycle, holds: false, ScenarioNames.Cycle),
    ];

    private static IEnumerable<int> Plans
    {
        get
        {
            string[] range = (Environment.GetEnvironmentVariable("TELEMETRY_PLANS") ?? "2").Split('-');
            int[] ends = [.. range.Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
            return ends.Length == 1 ? Enumerable.Range(0, ends[0]) : Enumerable.Range(ends[0], ends[1] - ends[0] + 1);
        }
    }

    public void Dispose() => _folder.Dispose();

    [RealPartFact("data:fitabase")]
    public async Task Step_RealWeekByAnyPlan_EndsInOneHash()
    {
        List<Hour> hours = Hours();
        Assert.InRange(hours.Count, 200, 2 * 24 * Days);
        string expected = await DeriveAsync([.. hours], new DerivationOptions(), new Random(0), restarts: 0, unset: 0);
        foreach (int plan in Plans)
        {
            Random random = new(plan);
            Hour[] order = [.. hours];
            double late = plan % 4 == 0 ? order.Length : random.Next(1, 60); // in batches
            double[] arrival = [.. order.Select((_, i) => i + (late * random.NextDouble()))];
            Array.Sort(arrival, order);
            DerivationOptions options = new() { StepRecords = random.Next(20, 400), HotUsers = 16 };
            string hash = await DeriveAsync(order, options, random, restarts: random.Next(4), unset: random.NextDouble() * 0.5);
            Assert.True(expected == hash, $"Plan {plan} (its seed) ends in other segments; TELEMETRY_PLANS={plan}-{plan} runs it again.");
        }
    }

    private async Task<string> DeriveAsync(Hour[] order, DerivationOptions options, Random random, int restarts, double unset)
    {
        string name = $"{_runs++}";
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder[$"log-{name}"], SegmentBytes = 1 << 20 });
        using InsightsStore store = InsightsStore.Open(_folder[$"{name}.db"]);
        Household home = new();
        ScenarioConsumer consumer = new(log, home, home, store, options: options);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(5));
        foreach (Hour[] part in order.Chunk((order.Length / (restarts + 1)) + 1))
        {
            while (home.Answers.Count < s_answers.Length && random.Next(3) > 0) home.Say(s_answers[home.Answers.Count]);
            long last = 0;
            foreach (Hour hour in part)
            {
                byte[] bytes = Household.Sealed(hour.Block, hour.Seq, boot: 1, hour.EndMs, isSet: hour.Seq == 1 || random.NextDouble() >= unset);
                Assert.True(log.TryAppend(LogRecordKind.Batch, 0, hour.Device, Household.MidnightMs + hour.EndMs, bytes, out last));
            }

            Assert.True(await log.WaitDurableAsync(last, limit.Token));
            while (consumer.Step())
            {
            }

            Assert.Equal(log.DurablePosition, consumer.Position);
            consumer.Dispose();
            consumer = new ScenarioConsumer(log, home, home, store, options: options);
        }

        foreach (Answer answer in s_answers[home.Answers.Count..]) home.Say(answer);
        while (consumer.Step())
        {
        }

        consumer.Dispose();
        StringBuilder text = new();
        foreach (StoredSegment stored in store.Segments(home.User, 0, int.MaxValue))
            text.Append(stored.Segment).Append(string.Join(',', stored.Segment.Devices)).Append(string.Join(',', stored.Segment.Evidence)).Append('\n');
        Assert.True(text.Length > 5_000, $"{text.Length} characters of segments");
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static Answer About(int day, int minute, int minutes, string scenario, bool holds, string suggested)
    {
        int from = (int)(Household.MidnightMs / 60_000) + (day * 1440) + minute;
        return new Answer(from, from + minutes, scenario, holds, suggested, ModelFile.Default.Version);
    }

    // The first person's first whole days; a batch an hour of each of two devices: heart rate (the band) and steps (device 2).
    private static List<Hour> Hours()
    {
        (string user, List<(long Ms, long Value)> heart) = Read("heartrate_5s.csv.gz", null, 2, out long midnightMs);
        (_, List<(long Ms, long Value)> steps) = Read("minute_long.csv.gz", (user, midnightMs), 2, out _);
        return [.. Cut(Household.Band, Household.HeartRate, heart).Concat(Cut(Household.Room, Household.Steps, steps)).OrderBy(hour => hour.EndMs)];
    }

    private static IEnumerable<Hour> Cut(uint device, int signal, List<(long Ms, long Value)> samples)
    {
        ulong seq = 0;
        foreach (IGrouping<long, (long Ms, long Value)> hour in samples.GroupBy(sample => sample.Ms / HourMs))
        {
            (long Ms, long Value)[] rows = [.. hour];
            PlainBlock block = new() { StartUptimeMs = (ulong)rows[0].Ms, Rows = (uint)rows.Length };
            for (int i = 1; i < rows.Length; i++) block.TimeDeltasMs.Add((uint)(rows[i].Ms - rows[i - 1].Ms));
            block.Columns.Add(Household.Column(signal, [.. rows.Select(row => row.Value)]));
            yield return new Hour(device, ++seq, (hour.Key + 1) * HourMs, block);
        }
    }

    private static (string User, List<(long Ms, long Value)> Samples) Read(string file, (string User, long MidnightMs)? of, int column, out long midnightMs)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(Path.Combine(RealParts.DataFolder!, "fitabase", file)), CompressionMode.Decompress));
        reader.ReadLine();
        string? user = of?.User;
        midnightMs = of?.MidnightMs ?? 0;
        List<(long Ms, long Value)> samples = [];
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            user ??= cells[0];
            if (cells[0] != user || cells[column].Length == 0) continue;
            long ms = (long)(double.Parse(cells[1], CultureInfo.InvariantCulture) * 1000);
            if (midnightMs == 0) midnightMs = ms / 86_400_000 * 86_400_000;
            long sinceMidnight = ms - midnightMs;
            if (sinceMidnight is >= 0 and < Days * 24L * HourMs) samples.Add((sinceMidnight, long.Parse(cells[column], CultureInfo.InvariantCulture)));
        }

        return (user!, [.. samples.OrderBy(sample => sample.Ms)]);
    }

    private sealed record Hour(uint Device, ulong Seq, long EndMs, PlainBlock Block);
}
