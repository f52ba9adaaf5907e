using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Wire.V1;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Bench;

/// <summary>Cohort questions through the whole privacy gate, over the segments of many user-days in a real store: how long an analyst waits.</summary>
internal static class QueryBench
{
    private const int Days = 14;
    private const int Monday = 29_459_520; // 2026-01-05, minutes since 1970
    private static readonly string[] s_scenarios = ["desk", "rest", "walk", "vehicle", "run", "active"];

    private static readonly (string Measure, string GroupBy)[] s_questions =
    [
        ("minutes", "scenario"), ("minutes", "scenario,hour"), ("minutes", "weekday,hour"), ("users", "scenario,hour"), ("segments", "scenario,day"),
        ("transitions", "scenario,next"), ("co-use", "model,with"), ("minutes", "brand,scenario"),
    ];

    public static int Run(BenchOptions options)
    {
        int userDays = options.Rest is ["--user-days", string count] ? int.Parse(count, CultureInfo.InvariantCulture) : 100_000;
        string folder = Directory.CreateTempSubdirectory("telemetry-bench-").FullName;
        try
        {
            using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
            using InsightsStore store = InsightsStore.Open(Path.Combine(folder, "insights.db"));
            Stopwatch watch = Stopwatch.StartNew();
            long segments = Fill(registry, store, userDays / Days);
            double fillSeconds = watch.Elapsed.TotalSeconds;
            using InsightsService service = InsightsService.Open(store, registry, folder, PrivacyOptions.Default with { Budget = new PrivacyBudget(1e6, 1e6) }, TimeProvider.System);

            watch.Restart();
            Ask(service, 0);
            double firstSeconds = watch.Elapsed.TotalSeconds;
            const int Asked = 160;
            double[] wallMs = new double[Asked], cpuMs = new double[Asked];
            for (int i = 0; i < Asked; i++)
            {
                TimeSpan cpu = Environment.CpuUsage.TotalTime;
                watch.Restart();
                Ask(service, i + 1);
                wallMs[i] = watch.Elapsed.TotalMilliseconds;
                cpuMs[i] = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds;
            }

            double compositesFirstSeconds = Composites(service, 0), compositesMs = 1000 * Enumerable.Range(1, 9).Select(number => Composites(service, number)).Order().ElementAt(4);
            var kinds = s_questions.Select((question, kind) =>
            {
                double[] ofKind = [.. Enumerable.Range(1, Asked).Where(number => number % s_questions.Length == kind).Select(number => cpuMs[number - 1]).Order()];
                return new { question.Measure, question.GroupBy, p50CpuMs = ofKind[ofKind.Length / 2] };
            }).ToArray();
            Array.Sort(wallMs);
            Array.Sort(cpuMs);
            int p99 = (int)Math.Ceiling(Asked * 0.99) - 1;
            if (options.Json)
            {
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    userDays, segments, queries = Asked, p50Ms = wallMs[Asked / 2], p99Ms = wallMs[p99], p50CpuMs = cpuMs[Asked / 2], p99CpuMs = cpuMs[p99], firstSeconds, fillSeconds, compositesFirstSeconds, compositesMs, kinds,
                }));
            }
            else
            {
                Console.WriteLine($"{userDays:N0} user-days, {segments:N0} segments, {Asked} different questions of {s_questions.Length} kinds");
                Console.WriteLine($"wall  p50 {wallMs[Asked / 2],7:N1} ms   p99 {wallMs[p99],7:N1} ms");
                Console.WriteLine($"CPU   p50 {cpuMs[Asked / 2],7:N1} ms   p99 {cpuMs[p99],7:N1} ms");
                foreach (var kind in kinds) Console.WriteLine($"CPU   p50 {kind.p50CpuMs,7:N1} ms   {kind.Measure} by {kind.GroupBy}");
                Console.WriteLine($"first question after start (reads every segment) {firstSeconds:N1} s; filling the store {fillSeconds:N1} s");
                Console.WriteLine($"first question about composites (finds them for everybody) {compositesFirstSeconds:N1} s of CPU; the next ones {compositesMs:N1} ms");
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // No two questions are the same, so each is folded, drawn and paid.
    private static void Ask(InsightsService service, int number)
    {
        (string measure, string groupBy) = s_questions[number % s_questions.Length];
        service.Release(new ReleaseRequest
        {
            Measure = measure, GroupBy = { groupBy.Split(',') }, FromUnixMs = (Monday + number) * 60_000L, ToUnixMs = (Monday + Days * 1440) * 60_000L,
        });
    }

    // CPU seconds of a question about composites.
    private static double Composites(InsightsService service, int number)
    {
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        service.Release(new ReleaseRequest { Measure = "minutes", GroupBy = { "composite", "hour" }, FromUnixMs = (Monday + number) * 60_000L, ToUnixMs = (Monday + Days * 1440) * 60_000L });
        return (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
    }

    private static long Fill(DeviceRegistry registry, InsightsStore store, int users)
    {
        foreach ((string brand, string model) in new[] { ("acme", "band-2"), ("zeta", "shoe-1") })
        {
            registry.PutBrand(brand, "");
            registry.PutModel(brand, $$"""{"model":"{{model}}","version":1,"signals":[{"id":1,"key":"steps","unit":"1","kind":"counter","resolution":1,"min":0,"max":400,"privacy":"activity"}]}""");
        }

        uint[] bands = [.. registry.AddDevices([.. Enumerable.Range(0, users).Select(user => new NewDevice("acme", $"b{user}", "band-2"))]).Select(added => added.Device.DeviceKey)];
        uint[] shoes = [.. registry.AddDevices([.. Enumerable.Range(0, users).Select(user => new NewDevice("zeta", $"s{user}", "shoe-1"))]).Select(added => added.Device.DeviceKey)];
        ConsentEntry yes = new(ConsentPurpose.Insights, "", true, 0);
        IReadOnlyList<UserRecord> people = registry.AddUsers([.. Enumerable.Range(0, users).Select(_ => new NewUser(default, 60) { Consents = [yes] })]);

        long segments = 0;
        foreach (int[] part in Enumerable.Range(0, users).Chunk(250))
        {
            using InsightsTransaction step = store.Begin();
            foreach (int user in part)
            {
                List<Segment> days = DaysOf(user, bands[user], shoes[user]);
                step.ReplaceSegments(people[user].User, Monday, Monday + Days * 1440, days);
                segments += days.Count;
            }

            step.Commit(store.Cursor + 1);
        }

        return segments;
    }

    // A night and about 15 stays a day.
    private static List<Segment> DaysOf(int user, uint band, uint shoe)
    {
        Random random = new(user);
        List<Segment> segments = [];
        for (int at = Monday, end = Monday + Days * 1440; at < end;)
        {
            int minuteOfDay = (at - Monday) % 1440;
            bool isNight = minuteOfDay < 400;
            string scenario = isNight ? "sleep" : s_scenarios[random.Next(s_scenarios.Length)];
            int next = Math.Min(end, isNight ? at - minuteOfDay + 400 + random.Next(60) : at + random.Next(10, 130));
            segments.Add(new Segment(scenario, at, next, 0.9, [], scenario is "walk" or "run" ? [band, shoe] : [band], "base-1", false) { Place = scenario switch { "desk" => 2, "walk" or "run" or "vehicle" => 3, _ => 1 } });
            at = next;
        }

        return segments;
    }
}
