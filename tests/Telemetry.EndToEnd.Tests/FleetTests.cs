using System.Text.Json;
using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.Faults;
using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Simulated fleets and recorded files over real connections into a real collector.</summary>
public sealed class FleetTests
{
    private const int Seed = 7;

    [Fact]
    public async Task Fleet_CutsLostAcksAndOfflineHours_EverySampleIsStoredOnce()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder.File("data")), limit.Token);
        using CollectorApi api = new(new Uri($"http://{host.HttpAddress}/"), host.OperatorToken, TimeProvider.System);
        HouseholdFleet fleet = HouseholdFleet.Create(new FleetOptions(Seed, People: 4, Minutes: DayPlan.MinutesPerDay));
        ReplayOptions options = new()
        {
            Host = "127.0.0.1",
            Port = host.MqttAddress!.Port,
            Seed = Seed,
            StartUnixMs = fleet.Options.StartUnixMs,
            AlignMs = 30 * 60_000,
            Faults = FaultPlan.Parse(
                """
                {"faults":[
                  {"kind":"cut","atMinute":60,"everyMinutes":180,"jitterMinutes":30},
                  {"kind":"loseAcks","atMinute":90,"everyMinutes":120,"jitterMinutes":30},
                  {"kind":"offline","devices":"lumo/*","atMinute":400,"minutes":240}
                ]}
                """),
        };

        ReplaySummary summary = await new FleetRun(api, options, TimeProvider.System).RunAsync(fleet, report: null, phase: null, limit.Token);

        Assert.Equal((0, 0), (summary.SamplesLost, summary.SamplesDuplicated));
        Assert.Equal(summary.SamplesRecorded, summary.SamplesStored);
        Assert.True(summary.BatchesSentAgain > 0, "no batch was ever sent again: the faults did not bite");
        Assert.True(summary.Connects > summary.Devices, $"{summary.Connects} sessions of {summary.Devices} devices");
        Assert.Equal(4, summary.Users.Count);
        Assert.All(summary.Users, user => Assert.InRange(user.ScenarioMinutes.Values.Sum(), DayPlan.MinutesPerDay - 60, DayPlan.MinutesPerDay + 60));
    }

    [Fact]
    public async Task Demo_SmallHousehold_AccountsForEverySample()
    {
        using TempFolder folder = new();
        (int exit, string output, string transcript) = await TelemetryAsync(folder, "demo", "--minutes", "600", "--users", "3", "--seed", "5", "--json");

        Assert.True(exit == 0, transcript);
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement root = json.RootElement;
        Assert.True(root.GetProperty("samplesRecorded").GetInt64() > 3 * 600 * 10, output);
        Assert.Equal(root.GetProperty("samplesRecorded").GetInt64(), root.GetProperty("samplesStored").GetInt64());
        Assert.Equal((0, 0), (root.GetProperty("samplesLost").GetInt64(), root.GetProperty("samplesDuplicated").GetInt64()));
        Assert.Equal(3, root.GetProperty("users").GetArrayLength());
        Directory.Delete(root.GetProperty("dataFolder").GetString()!, recursive: true);
    }

    [Theory]
    [InlineData("--source is missing")]
    [InlineData("--source 'tcx' is unknown; one of fit, fitabase, extrasensory, adl is expected", "--source", "tcx", "--path", ".")]
    [InlineData("--path is missing", "--source", "fit")]
    [InlineData("does not exist", "--source", "fit", "--path", "/nowhere/at/all")]
    [InlineData("--brand 'No Brand' is no brand id", "--source", "fit", "--path", ".", "--brand", "No Brand")]
    [InlineData("--speed -1 is out of range", "--source", "fit", "--path", ".", "--speed", "-1")]
    public async Task Replay_BadArguments_ExitsWithTwoAndSaysWhich(string expected, params string[] arguments)
    {
        using TempFolder folder = new();
        (int exit, string output, string transcript) = await TelemetryAsync(folder, ["replay", .. arguments]);

        Assert.True(exit == 2, $"exit {exit}\n{transcript}");
        Assert.Contains(expected, transcript, StringComparison.Ordinal);
        Assert.Equal("", output.Trim());
    }

    [RealPartFact("data:fit_files")]
    public async Task Replay_FitFolderWithDamagedFiles_TellsWhichAndKeepsTheRest()
    {
        using TempFolder folder = new();
        (int exit, string output, string transcript) = await TelemetryAsync(
            folder, "replay", "--source", "fit", "--path", Path.Combine(RealParts.DataFolder!, "fit_files"), "--json");

        Assert.True(exit == 2, $"exit {exit}\n{transcript}");
        Assert.Contains("activity-unexpected-eof.fit: damaged at byte 768", transcript, StringComparison.Ordinal);
        Assert.Contains("activity-settings-corruptheader.fit: damaged at byte 779", transcript, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.Equal(0, json.RootElement.GetProperty("samplesLost").GetInt64());
        JsonElement[] users = [.. json.RootElement.GetProperty("users").EnumerateArray()];
        Assert.True(users.Length >= 4, output); // four whole files; a damaged one counts with what stands before its damage
        Assert.All(users, user => Assert.NotEmpty(user.GetProperty("scenarioMinutes").EnumerateObject()));
    }

    private static Task<(int ExitCode, string Output, string Transcript)> TelemetryAsync(TempFolder folder, params string[] arguments) => ChildProcess.RunAsync(
        "dotnet",
        [Path.Combine(AppContext.BaseDirectory, "telemetry.dll"), .. arguments],
        folder.Path,
        new Dictionary<string, string> { ["TELEMETRY_STATE"] = folder.File("state"), ["TMPDIR"] = folder.Path });
}
