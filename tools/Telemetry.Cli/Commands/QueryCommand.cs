using System.CommandLine;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry query</c>: aggregates that passed the privacy gate, as a table, chart, CSV or JSON.</summary>
internal static class QueryCommand
{
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithPreserveProtoFieldNames(false));

    public static Command Create()
    {
        Option<string> measure = new("--measure") { Description = "minutes, users, segments, transitions or co-use", DefaultValueFactory = _ => "minutes" };
        Option<string[]> groupBy = new("--group-by") { Description = "scenario, or composite in its place (a commute: composites.yaml); hour, weekday, day, model, brand; comma-separated. Also next (transitions), with (co-use)", AllowMultipleArgumentsPerToken = true };
        Option<string[]> where = new("--where") { Description = "key=value[,value], e.g. scenario=run or hour=6,7,8; may be given again", AllowMultipleArgumentsPerToken = true };
        Option<string?> from = new("--from") { Description = "First instant, inclusive: 2026-01-31, 2026-01-31T12:00:00Z or unix ms" };
        Option<string?> to = new("--to") { Description = "Last instant, exclusive" };
        Option<string> recipient = new("--recipient") { Description = "A brand: its own devices' users who consent to it; default: the operator's analysts", DefaultValueFactory = _ => "" };
        Option<double> epsilon = new("--epsilon") { Description = "What to spend of the privacy budget; default: the collector's" };
        Option<bool> csv = new("--csv") { Description = "CSV on standard output" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Option<bool> chart = new("--chart") { Description = "Bars instead of a table" };
        Command command = new("query", "Ask for an aggregate: noisy, over a threshold of users, paid from the privacy budget.")
        {
            measure, groupBy, where, from, to, recipient, epsilon, csv, json, chart,
        };
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            ReleaseRequest request = new()
            {
                Measure = parsed.GetValue(measure)!, FromUnixMs = Instant.Parse("--from", parsed.GetValue(from)), ToUnixMs = Instant.Parse("--to", parsed.GetValue(to)),
                Recipient = parsed.GetValue(recipient)!, Epsilon = parsed.GetValue(epsilon),
            };
            request.GroupBy.AddRange((parsed.GetValue(groupBy) ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
            request.Where.AddRange(parsed.GetValue(where) ?? []);
            ReleaseTable table = await collector.CallAsync<ReleaseTable>("v1/query/Release", request, cancellation);

            if (parsed.GetValue(json)) Console.WriteLine(s_formatter.Format(table));
            else if (parsed.GetValue(csv)) Console.Write(ToCsv(table, request.Measure));
            else Show(table, request.Measure, parsed.GetValue(chart));
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static string ToCsv(ReleaseTable table, string measure)
    {
        StringBuilder text = new();
        text.AppendJoin(',', [.. table.Columns, measure, "error_95"]).Append('\n');
        foreach (ReleaseRow row in table.Rows)
        {
            text.AppendJoin(',', [.. row.Group, Plain(row.Value), Plain(row.Error95)]).Append('\n');
        }

        return text.ToString();
    }

    private static void Show(ReleaseTable table, string measure, bool asChart)
    {
        if (table.Rows.Count == 0)
        {
            Console.Error.WriteLine("No group reached the threshold of users. Group by less, ask over a longer time, or spend more epsilon.");
        }
        else if (asChart)
        {
            BarChart chart = new BarChart().Label($"[bold]{Markup.Escape(measure)}[/]");
            int longest = table.Rows.Max(row => string.Join(' ', row.Group).Length);
            foreach (ReleaseRow row in table.Rows) chart.AddItem(Markup.Escape(string.Join(' ', row.Group).PadRight(longest)), row.Value, Color.Teal);
            AnsiConsole.Write(chart);
        }
        else
        {
            Table grid = new() { Border = TableBorder.Rounded };
            foreach (string column in table.Columns) grid.AddColumn(column);
            grid.AddColumn(new TableColumn(measure).RightAligned());
            grid.AddColumn(new TableColumn("+- (95 %)").RightAligned());
            foreach (ReleaseRow row in table.Rows)
            {
                grid.AddRow([.. row.Group.Select(Markup.Escape), row.Value.ToString("N0", CultureInfo.InvariantCulture), row.Error95.ToString("N0", CultureInfo.InvariantCulture)]);
            }

            AnsiConsole.Write(grid);
        }

        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epsilon {table.Epsilon:0.###} spent, {table.EpsilonLeft:0.###} left; at least {table.Threshold} users a group (noisy count {table.NoisyThreshold}); {table.Suppressed} groups held back; model {table.ModelVersion}"));
    }

    private static string Plain(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
