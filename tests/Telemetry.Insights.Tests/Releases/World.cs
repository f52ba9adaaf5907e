using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.V1;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Insights.Tests.Releases;

/// <summary>A registry, a store and the service over them, in a fresh folder; users with a seeded week each.</summary>
internal sealed class World : IDisposable
{
    /// <summary>Monday 2026-01-05 00:00 UTC, minutes since 1970.</summary>
    public const int Monday = 29_459_520;

    private static readonly string[] s_scenarios = ["sleep", "desk", "walk", "vehicle", "rest", "run"];
    private readonly TempFolder _folder = new();

    public World(int threshold = 20, PrivacyBudget? budget = null)
    {
        Registry = DeviceRegistry.Open(_folder.File("registry.db"), Clock);
        foreach ((string brand, string model) in new[] { ("acme", "band-2"), ("zeta", "shoe-1") })
        {
            Registry.PutBrand(brand, "");
            Registry.PutModel(brand, $$"""{"model":"{{model}}","version":1,"signals":[{"id":1,"key":"steps","unit":"1","kind":"counter","resolution":1,"min":0,"max":400,"privacy":"activity"}]}""");
        }

        Band = Registry.AddDevice(new NewDevice("acme", "band", "band-2")).Device.DeviceKey;
        Shoe = Registry.AddDevice(new NewDevice("zeta", "shoe", "shoe-1")).Device.DeviceKey;
        Store = InsightsStore.Open(_folder.File("insights.db"));
        File.WriteAllBytes(_folder.File("noise.key"), NoiseKeyBytes()); // a drawn key would let one run in fifty pass the threshold by luck
        Service = InsightsService.Open(Store, Registry, _folder.Path, new PrivacyOptions(threshold, 2, budget ?? new PrivacyBudget(1000, 1000)), Clock);
    }

    public ManualTime Clock { get; } = new((Monday + 28 * 1440) * 60_000L);

    public DeviceRegistry Registry { get; }

    public InsightsStore Store { get; }

    public InsightsService Service { get; }

    public uint Band { get; }

    public uint Shoe { get; }

    /// <summary>Adds users who consent to insights, each with seeded days from <see cref="Monday"/>.</summary>
    public void AddPeople(int count, int days = 7, int first = 0, ConsentPurpose purpose = ConsentPurpose.Insights, string recipient = "")
    {
        using InsightsTransaction step = Store.Begin();
        for (int person = first; person < first + count; person++)
        {
            UserKey user = UserKey.Parse($"u{person}");
            Registry.AddUser(user, 0);
            Registry.SetConsent(user, new ConsentEntry(purpose, recipient, true, 0));
            List<Segment> segments = Days(person, days);
            step.ReplaceSegments(user, segments[0].StartMinute, segments[^1].EndMinute, segments);
        }

        step.Commit(Store.Cursor + 1);
    }

    /// <summary>Replaces a user's segments from Monday on.</summary>
    public void Put(string user, params Segment[] segments)
    {
        using InsightsTransaction step = Store.Begin();
        step.ReplaceSegments(UserKey.Parse(user), Monday, Monday + 100_000, segments);
        step.Commit(Store.Cursor + 1);
    }

    /// <summary>A person's days: nights asleep, the rest in stays of 5 to 180 minutes, all from the person's number.</summary>
    public List<Segment> Days(int person, int days)
    {
        Random random = new(person);
        List<Segment> segments = [];
        int at = Monday, end = Monday + days * 1440;
        string before = "";
        while (at < end)
        {
            int minuteOfDay = (at - Monday) % 1440;
            string scenario = minuteOfDay < 400 ? "sleep" : s_scenarios[1 + random.Next(random.Next(20) == 0 ? 5 : 4)];
            if (scenario == before) scenario = "active";
            int next = Math.Min(end, minuteOfDay < 400 ? at - minuteOfDay + 400 + random.Next(60) : at + random.Next(5, 180));
            segments.Add(Stay(scenario, at, next, scenario is "walk" or "run" ? [Band, Shoe] : [Band]));
            (at, before) = (next, scenario);
        }

        return segments;
    }

    /// <summary>A usual week: nights, office hours with a walk at noon, drives, evenings, now and then a run.</summary>
    public static List<Segment> Routine(int person)
    {
        Random random = new(person);
        List<Segment> segments = [];
        int at = Monday;
        for (int day = 0; day < 7; day++)
        {
            int shift = random.Next(-40, 40);
            void Until(string scenario, int minuteOfDay)
            {
                int end = Math.Min(Monday + day * 1440 + minuteOfDay, Monday + 7 * 1440);
                if (end > at) segments.Add(Stay(scenario, at, end));
                at = Math.Max(at, end);
            }

            Until("sleep", 410 + shift);
            if (day < 5)
            {
                Until("rest", 480 + shift);
                Until("vehicle", 510 + shift);
                Until("desk", 730 + random.Next(30));
                Until("walk", 755 + random.Next(30));
                Until("desk", 1020 + shift);
                Until("vehicle", 1055 + shift);
            }

            if (random.Next(7) == 0) Until("run", 1100 + random.Next(30));
            Until("rest", 1390 + shift / 2);
            Until("sleep", 1440);
        }

        return segments;
    }

    private static byte[] NoiseKeyBytes()
    {
        byte[] key = new byte[32];
        new Random(20).NextBytes(key);
        return key;
    }

    /// <summary>Writes a file of the collector's folder.</summary>
    public void WriteFile(string name, string text) => File.WriteAllText(_folder.File(name), text);

    public static Segment Stay(string scenario, int start, int end, params uint[] devices) => new(scenario, start, end, 0.9, [], devices, "base-1", false);

    public ReleaseTable Ask(string measure, string groupBy, double epsilon = 0, string recipient = "", params string[] where) =>
        Service.Release(new ReleaseRequest { Measure = measure, GroupBy = { groupBy.Split(',') }, Epsilon = epsilon, Recipient = recipient, Where = { where } });

    public void Dispose()
    {
        Service.Dispose();
        Store.Dispose();
        Registry.Dispose();
        _folder.Dispose();
    }
}
