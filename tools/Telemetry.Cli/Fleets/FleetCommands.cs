using System.Net;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Simulator;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.Replay;
using Telemetry.Simulator.Sources;

namespace Telemetry.Cli.Fleets;

/// <summary>What demo, simulate and replay share: errors to exit codes, the run with its progress, the closing table.</summary>
internal static class FleetCommands
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    /// <summary>Does the work and turns what can be expected to fail into a text and an exit code.</summary>
    public static Task<int> GuardAsync(Func<Task<int>> work, CancellationToken cancellation) => CollectorClient.GuardAsync(async () =>
    {
        try
        {
            return await work();
        }
        catch (InputException fault)
        {
            throw new CommandException(fault.Message);
        }
        catch (TimeoutException fault)
        {
            throw new CommandException(fault.Message, ExitCode.Unreachable);
        }
        catch (CollectorApiException fault)
        {
            bool isOurs = fault.Status is HttpStatusCode.BadRequest or HttpStatusCode.Conflict or HttpStatusCode.NotFound or HttpStatusCode.Unauthorized;
            throw new CommandException(fault.Message, isOurs ? ExitCode.BadInput : ExitCode.Unreachable);
        }
    }, cancellation);

    /// <summary>Runs a fleet with a progress line where somebody watches.</summary>
    public static async Task<ReplaySummary> RunAsync(
        FleetTarget target, IFleetSource source, ReplayOptions options, bool isJson, Action<FleetProgress, ReplayProgress>? onReport, CancellationToken cancellation)
    {
        FleetRun run = new(target.Api, options, TimeProvider.System);
        using FleetProgress progress = new(source.Name, isQuiet: isJson);
        ReplaySummary summary = await run.RunAsync(
            source,
            now =>
            {
                onReport?.Invoke(progress, now);
                progress.Show(now);
            },
            progress.Phase,
            cancellation);
        foreach (string fault in source.Faults) await Console.Error.WriteLineAsync(fault);
        if (source.FaultCount > source.Faults.Count) await Console.Error.WriteLineAsync($"... and {source.FaultCount - source.Faults.Count} more");
        return summary;
    }

    /// <summary>The summary as JSON on standard output, with what a command adds to it.</summary>
    public static void WriteJson(object summary) => Console.Out.WriteLine(JsonSerializer.Serialize(summary, summary.GetType(), s_json));

    /// <summary>The summary for people.</summary>
    public static void WriteTable(ReplaySummary summary)
    {
        Table account = new() { Border = TableBorder.Rounded, ShowHeaders = false };
        account.AddColumn("what").AddColumn(new TableColumn("value").RightAligned());
        account.AddRow("samples recorded by devices", $"{summary.SamplesRecorded:N0}");
        account.AddRow("samples stored", $"{summary.SamplesStored:N0}");
        account.AddRow("lost", Verdict(summary.SamplesLost));
        account.AddRow("duplicates", Verdict(summary.SamplesDuplicated));
        account.AddRow("batches (sent again)", $"{summary.Batches:N0} ({summary.BatchesSentAgain:N0})");
        account.AddRow("on the wire, both ways", Bytes(summary.WireBytes, summary.SamplesRecorded));
        if (summary.DiskBytes > 0) account.AddRow("in the log on disk", Bytes(summary.DiskBytes, summary.SamplesStored));
        account.AddRow("time", $"{summary.Seconds:F1} s, {summary.CpuSeconds:F1} s of CPU");
        AnsiConsole.Write(account);
    }

    /// <summary>Scenario minutes, one user a row.</summary>
    public static void WriteScenarios(ReplaySummary summary)
    {
        string[] names = [.. summary.Users.SelectMany(user => user.ScenarioMinutes.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (names.Length == 0) return;
        Table table = new() { Border = TableBorder.Rounded, Title = new TableTitle("minutes by scenario") };
        table.AddColumn("user");
        foreach (string name in names) table.AddColumn(new TableColumn(name).RightAligned());
        foreach (UserSummary user in summary.Users)
        {
            table.AddRow([user.User, .. names.Select(name => user.ScenarioMinutes.TryGetValue(name, out long minutes) ? $"{minutes:N0}" : "")]);
        }

        AnsiConsole.Write(table);
    }

    private static string Verdict(long count) => count == 0 ? "[green]0[/]" : $"[red]{count:N0}[/]";

    private static string Bytes(long bytes, long samples) =>
        samples == 0 ? $"{bytes:N0} bytes" : $"{bytes:N0} bytes, {(double)bytes / samples:F2} a sample";
}
