using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Features;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry scenarios gate</c>: how much of a set of wristband minutes the quality gate holds to be untrue, and why.</summary>
internal static class GateCommand
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        Option<string> source = new("--source") { Description = $"One of {string.Join(", ", BandMinuteReader.Sources)}", Required = true };
        Option<string> path = new("--path") { Description = "Folder of the set", Required = true };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command gate = new("gate", "How many minutes of a set the quality gate holds to be untrue, and why.") { source, path, json };
        gate.SetAction((parsed, cancellation) => CollectorClient.GuardAsync(() => Task.Run(() =>
        {
            string name = parsed.GetValue(source)!;
            IReadOnlyList<GateReport> bands = Judge(name, parsed.GetValue(path)!);
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(new { source = name, bands }, s_json));
            else Write(bands);
            return ExitCode.Done;
        }), cancellation));
        return gate;
    }

    private static IReadOnlyList<GateReport> Judge(string source, string path)
    {
        try
        {
            return GateReport.Of(BandMinuteReader.Read(source, path));
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException or FormatException)
        {
            throw new CommandException($"The {source} set at '{path}' cannot be read: {fault.Message}");
        }
    }

    private static void Write(IReadOnlyList<GateReport> bands)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("");
        foreach (GateReport band in bands) table.AddColumn(new TableColumn(Markup.Escape(band.Band)).RightAligned());
        Row("people", band => $"{band.People:N0}");
        Row("minutes", band => $"{band.Minutes:N0}");
        Row("  with a heart rate", band => $"{band.HeartRateMinutes:N0}");
        Row("untrue minutes", band => $"{band.Untrue:N0}");
        Row("  share", band => $"{band.UntrueShare:P3}");
        Row("  least and most of a person", band => $"{band.LeastOfAPerson:P1} - {band.MostOfAPerson:P1}");
        foreach (string reason in bands[0].Reasons.Keys) Row($"  {reason}", band => $"{band.Reasons[reason]:N0}");
        AnsiConsole.Write(table);

        void Row(string name, Func<GateReport, string> read) => table.AddRow([name, .. bands.Select(read)]);
    }
}
