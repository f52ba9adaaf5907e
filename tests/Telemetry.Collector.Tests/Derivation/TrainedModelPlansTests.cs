using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using Telemetry.Scenarios.Training;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>
/// A small trained model with all that trained ones have and the shipped one lacks: trees, own-day distances, levelled scores, confidence by evidence, an abstention of its own. What it
/// remembers of a person must leave no trace of the order in which data came.
/// </summary>
public sealed class TrainedModelPlansTests : IDisposable
{
    private const int Hours = 30, BatchMinutes = 10, Plans = 8; // over a midnight
    private static readonly string[] s_scenarios = [ScenarioNames.Sleep, ScenarioNames.Rest, ScenarioNames.Walk, ScenarioNames.Run];
    private static readonly ScenarioModel s_model = Trained();
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();
    private int _runs;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Step_LevelledModelByAnyPlan_EndsInTheSameSegmentsAsOnePass()
    {
        Assert.NotNull(s_model.Usual);
        Assert.Contains(s_model.Inputs, input => input.EndsWith(".z1440", StringComparison.Ordinal));
        List<string> expected = await DeriveAsync(plan: null);
        foreach (string scenario in s_scenarios) Assert.Contains(expected, line => line.Contains($" {scenario} ", StringComparison.Ordinal));
        Assert.NotEqual(expected, await DeriveAsync(plan: null, s_model with { Usual = null })); // levelling is at work

        for (int plan = 0; plan < Plans; plan++) Assert.True(expected.SequenceEqual(await DeriveAsync(plan)), $"Plan {plan} (its seed) ends in other segments.");
    }

    // Without a plan: in order, all clocks set, in one go.
    private async Task<List<string>> DeriveAsync(int? plan, ScenarioModel? model = null)
    {
        string name = $"{_runs++}";
        Random random = new(plan ?? 0);
        double unset = plan is null ? 0 : random.NextDouble() * 0.6;
        (uint Device, byte[] Bytes)[] order = [.. Enumerable.Range(0, Hours * 60 / BatchMinutes).Select(i =>
            (Household.Band, Household.BandBatch(i * BatchMinutes, (ulong)i + 1, boot: 1, isSet: i == 0 || random.NextDouble() >= unset)))];
        double late = plan is null ? 0 : plan % 3 == 0 ? order.Length : random.Next(2, 40); // in batches
        double[] arrival = [.. order.Select((_, i) => i + (late * random.NextDouble()))];
        Array.Sort(arrival, order);
        DerivationOptions options = plan is null ? new() : new() { StepRecords = random.Next(1, 60), HotUsers = 16 };
        int restarts = plan is null ? 0 : random.Next(5);

        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder[$"log-{name}"], SegmentBytes = 1 << 20 });
        using InsightsStore store = InsightsStore.Open(_folder[$"{name}.db"]);
        foreach ((uint Device, byte[] Bytes)[] part in order.Chunk((order.Length / (restarts + 1)) + 1))
        {
            using ScenarioConsumer consumer = new(log, _home, _home, store, model ?? s_model, options);
            await Household.AppendAsync(log, part);
            while (consumer.Step())
            {
            }
        }

        return [.. store.Segments(_home.User, 0, int.MaxValue).Select(stored => Text(stored.Segment))];
    }

    private static string Text(Segment segment) =>
        $"{segment.StartMinute} {segment.EndMinute} {segment.Scenario} {segment.Confidence} {segment.IsProvisional} {string.Join(',', segment.Evidence.Select(evidence => $"{evidence.Feature}={evidence.Share}"))}";

    // Six people of two days, who rest with pulses of their own.
    private static ScenarioModel Trained()
    {
        string[] relative = ["heart_rate", "motion"];
        IReadOnlyList<string>[] derived = [.. FeatureCatalog.Names.Select(name => (IReadOnlyList<string>)(relative.Contains(name) ? ["m15", "z1440"] : []))];
        LabelledSet set = new("made", FeatureCatalog.Names, derived, s_scenarios, [.. Enumerable.Range(0, 6).Select(Person)]);
        BoostingOptions boosting = new(Rounds: 10, Depth: 2, InputShare: 0.6, RowShare: 0.8, LeastWeight: 1);
        return ModelTrainer.Train(set, "levelled-1", new TrainingOptions(boosting, RowsOfClass: 80, InnerFolds: 2, Levelled: 0.5));
    }

    private static LabelledPerson Person(int number)
    {
        Random random = new(number);
        int[] minutes = [.. Enumerable.Range(1440 * 100, 2 * 1440)];
        int[] labels = [.. minutes.Select(minute => (minute % 1440) switch { < 420 => 0, var m when m % 180 < 25 => 2, var m when m % 180 < 45 => 3, _ => 1 })];
        return new LabelledPerson($"p{number}", minutes, [.. labels.Select(label => Vector(label, number, random))], labels);
    }

    private static float[] Vector(int label, int number, Random random)
    {
        (int heart, int steps, int motion) = label switch { 0 => (54, 0, 2), 1 => (68, 0, 60), 2 => (100, 108, 400), _ => (158, 162, 950) };
        float[] vector = new float[FeatureCatalog.Count];
        Array.Fill(vector, float.NaN);
        vector[(int)Feature.HeartRate] = heart + (2 * number) + random.Next(-12, 13);
        vector[(int)Feature.Steps] = steps * (0.5f + random.NextSingle());
        vector[(int)Feature.Motion] = motion * (0.4f + (1.2f * random.NextSingle()));
        return vector;
    }
}
