using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A simulated wristband asks its person, who presses a button: from the operator's question to the segment that is named so.</summary>
public sealed class QuestionTests
{
    private const int Seed = 11, Asked = 60, Minutes = 30; // an hour after switching on, for half an hour

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task Ask_APersonWhoPressesAButton_NamesTheStretchAsTheySaid(double truthfulness)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder.File("data")), limit.Token);
        using CollectorApi api = new(new Uri($"http://{host.HttpAddress}/"), host.OperatorToken, TimeProvider.System);

        // Questions are asked in real time and answered in simulated time, so the fleet lives now; its person's day begins at six whatever the clock says.
        long start = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 60_000 * 60_000, until = start + Time(4 * 60);
        HouseholdFleet fleet = HouseholdFleet.Create(new FleetOptions(Seed, People: 1, Minutes: 12 * 60) { StartUnixMs = start, MaxDevices = 1, Truthfulness = truthfulness });
        ReplayOptions options = new() { Host = "127.0.0.1", Port = host.MqttAddress!.Port, Seed = Seed, StartUnixMs = start, UntilUnixMs = () => Volatile.Read(ref until) };
        SimulatedUser person = fleet.Users[0];
        await api.RegistryAsync<User>("AddUser", new AddUserRequest { User = person.User }, limit.Token);
        Task<IReadOnlyList<DeviceTally>> life = new ReplayEngine(options, new FleetRegistrar(api), TimeProvider.System).RunAsync(fleet, report: null, limit.Token);
        long from = start + Time(Asked), to = from + Time(Minutes);
        IReadOnlyList<Segment> before = await SegmentsAsync(list => list.Any(segment => segment.EndUnixMs >= to && !segment.Provisional));
        Assert.DoesNotContain(before, segment => segment.Evidence.Any(evidence => evidence.Feature == "answer"));

        string truth = person.Truth.Span.Slice(Asked, Minutes).ToArray().GroupBy(minute => minute.Scenario).MaxBy(minutes => minutes.Count())!.Key, other = truth == "cycle" ? "run" : "cycle";
        AskedQuestion question = await api.AnswersAsync<AskedQuestion>(
            "Ask", new AskRequest { Brand = HouseholdFleet.BandBrand, Device = "band-0001", FromUnixMs = from, ToUnixMs = to, Scenarios = { other, truth } }, limit.Token);
        Assert.EndsWith(": what was it?", question.Text, StringComparison.Ordinal);
        Volatile.Write(ref until, start + Time(12 * 60));
        await life;

        string expected = truthfulness == 1 ? truth : other;
        IReadOnlyList<Segment> after = await SegmentsAsync(list => list.Any(segment => segment.Evidence.Any(evidence => evidence.Feature == "answer")));
        Assert.All(after.Where(segment => segment.StartUnixMs < to && segment.EndUnixMs > from), segment => Assert.Equal(expected, segment.Scenario));
        Assert.Contains(after, segment => segment.StartUnixMs <= from && segment.EndUnixMs >= to && segment.Evidence.Any(evidence => evidence.Feature == "answer"));

        async Task<IReadOnlyList<Segment>> SegmentsAsync(Func<IReadOnlyList<Segment>, bool> isEnough)
        {
            while (true)
            {
                if (life.IsFaulted) await life;
                IReadOnlyList<Segment> segments = await new Reconciler(api, TimeProvider.System).SegmentsAsync(person.User, limit.Token);
                if (isEnough(segments)) return segments;
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
            }
        }
    }

    private static long Time(int minutes) => minutes * 60_000L;
}
