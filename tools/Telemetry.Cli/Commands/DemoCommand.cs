using System.CommandLine;
using Spectre.Console;
using Telemetry.Cli.Fleets;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;
using Segment = Telemetry.Wire.V1.Segment;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry demo</c>: the whole way in one command, from simulated wrists to scenarios held against the truth.</summary>
internal static class DemoCommand
{
    private const int MostUsers = 500, MostMinutes = 60 * 1440;

    public static Command Create()
    {
        Option<int> minutes = new("--minutes") { Description = "Simulated minutes, 1-86400. Default 2880, two days", DefaultValueFactory = _ => 2 * DayPlan.MinutesPerDay };
        Option<int> users = new("--users") { Description = "People, 1-500. Default 30", DefaultValueFactory = _ => 30 };
        Option<ulong> seed = new("--seed") { Description = "Everything follows from it. Default 1", DefaultValueFactory = _ => 1UL };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("demo", "A collector and a simulated household fleet in one command: every sample accounted for, scenarios against the truth.")
        {
            minutes, users, seed, json,
        };
        command.SetAction((parsed, cancellation) => FleetCommands.GuardAsync(async () =>
        {
            FleetOptions fleet = new(parsed.GetValue(seed), parsed.GetValue(users), parsed.GetValue(minutes));
            if (fleet.People is < 1 or > MostUsers) throw new CommandException($"--users {fleet.People} is out of range; 1-{MostUsers} is expected.");
            if (fleet.Minutes is < 1 or > MostMinutes) throw new CommandException($"--minutes {fleet.Minutes} is out of range; 1-{MostMinutes} is expected.");
            return await RunAsync(fleet, parsed.GetValue(json), cancellation);
        }, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(FleetOptions fleet, bool isJson, CancellationToken cancellation)
    {
        HouseholdFleet households = HouseholdFleet.Create(fleet);
        await using FleetTarget target = await FleetTarget.StartAsync(cancellation);
        if (!isJson)
        {
            AnsiConsole.MarkupLine($"[bold]Telemetry demo[/]: {fleet.People} people, {households.Devices().Count()} devices of three brands, {fleet.Minutes:N0} simulated minutes");
            AnsiConsole.WriteLine($"collector on mqtt://{target.Host}:{target.Port}, data in {target.Folder}");
        }

        ReplayOptions options = target.Options(fleet.Seed) with
        {
            StartUnixMs = fleet.StartUnixMs,
            AlignMs = FleetPace.AlignMs,
            MaxActiveDevices = int.MaxValue,
        };
        ReplaySummary summary = await FleetCommands.RunAsync(
            target, households, options, isJson, (progress, now) => progress.Share = FleetPace.Share(fleet, now), cancellation);
        TruthComparison comparison = await CompareAsync(target, households, cancellation);
        if (isJson) WriteJson(summary, comparison, target);
        else WriteReport(summary, comparison, households, target);
        return summary.IsWhole ? ExitCode.Done : ExitCode.NotSo;
    }

    private static async Task<TruthComparison> CompareAsync(FleetTarget target, HouseholdFleet households, CancellationToken cancellation)
    {
        Reconciler reconciler = new(target.Api, TimeProvider.System);
        TruthComparison comparison = new();
        foreach (SimulatedUser user in households.Users)
        {
            IReadOnlyList<Segment> segments = await reconciler.SegmentsAsync(user.User, cancellation);
            comparison.Add(user.Truth.Span, households.Options.StartUnixMs, segments);
        }

        return comparison;
    }

    private static void WriteJson(ReplaySummary summary, TruthComparison comparison, FleetTarget target) => FleetCommands.WriteJson(new
    {
        summary.SamplesRecorded,
        summary.SamplesStored,
        summary.SamplesLost,
        summary.SamplesDuplicated,
        summary.Batches,
        summary.WireBytes,
        summary.WireBytesUp,
        summary.DiskBytes,
        summary.Seconds,
        summary.CpuSeconds,
        summary.Devices,
        summary.Users,
        agreement = Math.Round(comparison.Agreement, 4),
        truthMinutes = comparison.Names.ToDictionary(name => name, comparison.TrueMinutes, StringComparer.Ordinal),
        confusion = comparison.Cells.Select(cell => new { truth = cell.Key.Truth, derived = cell.Key.Derived, minutes = cell.Value }),
        dataFolder = target.Folder,
    });

    private static void WriteReport(ReplaySummary summary, TruthComparison comparison, HouseholdFleet households, FleetTarget target)
    {
        AnsiConsole.WriteLine();
        WriteConfusion(comparison);
        if (households.Users.Count <= 12) FleetCommands.WriteScenarios(summary);
        FleetCommands.WriteTable(summary);
        AnsiConsole.MarkupLine($"[bold]{comparison.Agreement:P1}[/] of {comparison.Minutes:N0} minutes are named as they truly were.");
        string user = households.Users[0].User;
        AnsiConsole.WriteLine();
        AnsiConsole.WriteLine("What next? Serve the folder in one terminal, ask in another:");
        AnsiConsole.WriteLine($"  tools/telemetry up --data {target.Folder}");
        AnsiConsole.WriteLine($"  tools/telemetry scenarios list --user {user}");
        AnsiConsole.WriteLine($"  tools/telemetry samples --user {user} --signal heart_rate --csv | head");
        AnsiConsole.WriteLine("  tools/telemetry query --measure minutes --group-by scenario");
    }

    private static void WriteConfusion(TruthComparison comparison)
    {
        IReadOnlyList<string> names = comparison.Names;
        Table table = new() { Border = TableBorder.Rounded, Title = new TableTitle("minutes: truth (rows) against what the collector derived (columns)") };
        table.AddColumn("truth");
        foreach (string name in names.Where(name => comparison.DerivedMinutes(name) > 0)) table.AddColumn(new TableColumn(name).RightAligned());
        table.AddColumn(new TableColumn("right").RightAligned());
        foreach (string truth in names.Where(name => comparison.TrueMinutes(name) > 0))
        {
            long all = comparison.TrueMinutes(truth);
            table.AddRow(
            [
                truth,
                .. names.Where(name => comparison.DerivedMinutes(name) > 0).Select(name => Cell(comparison, truth, name)),
                $"{(double)comparison.Cells.GetValueOrDefault((truth, truth)) / all:P0}",
            ]);
        }

        AnsiConsole.Write(table);
    }

    private static string Cell(TruthComparison comparison, string truth, string derived) =>
        comparison.Cells.TryGetValue((truth, derived), out long minutes) ? truth == derived ? $"[green]{minutes:N0}[/]" : $"{minutes:N0}" : "";
}
