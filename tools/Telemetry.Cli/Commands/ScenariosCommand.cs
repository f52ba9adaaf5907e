using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry scenarios list|explain|correct|refuse|answers|ask|shadow|train|evaluate|gate</c>.</summary>
internal static class ScenariosCommand
{
    private const string QueryPath = "v1/query/Scenarios";

    public static Command Create() => new("scenarios", "What people were doing: read it, ask why, correct it, train and judge models.")
    {
        List(), Explain(), AnswerCommands.Correct(), AnswerCommands.Refuse(), AnswerCommands.List(), AnswerCommands.Ask(), ShadowCommand.Create(), ScenarioModels.Train(), ScenarioModels.Evaluate(), GateCommand.Create(),
    };

    private static Command List()
    {
        Option<string> user = new("--user") { Description = "Whose", Required = true };
        Option<string?> from = new("--from") { Description = "Inclusive; a time like 2026-11-22T06:00Z or unix ms" }, to = new("--to") { Description = "Exclusive" };
        Option<long> asOf = new("--as-of") { Description = "What was said after that revision; 0 = now" };
        Option<bool> composites = new("--composites") { Description = "Patterns over the segments, such as a commute (composites.yaml), in place of the segments" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command list = new("list", "The segments of a user; they cover every minute once.") { user, from, to, asOf, composites, json };
        CollectorClient.AddOptions(list);
        list.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            ScenariosRequest request = new()
            {
                User = parsed.GetValue(user),
                FromUnixMs = Time(parsed.GetValue(from), "--from"),
                ToUnixMs = Time(parsed.GetValue(to), "--to"),
                AsOfRevision = parsed.GetValue(asOf),
                Composites = parsed.GetValue(composites),
            };
            SegmentList segments = await client.CallAsync<SegmentList>(QueryPath, request, cancellation);
            if (parsed.GetValue(json)) Console.WriteLine(Google.Protobuf.JsonFormatter.Default.Format(segments));
            else WriteTable(segments);
            return ExitCode.Done;
        }, cancellation));
        return list;
    }

    private static Command Explain()
    {
        Option<string> user = new("--user") { Description = "Whose", Required = true };
        Option<string> at = new("--at") { Description = "An instant within the segment; a time like 2026-11-22T06:00Z or unix ms", Required = true };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command explain = new("explain", "Which signals spoke for the scenario of an instant, and how sure that makes it.") { user, at, json };
        CollectorClient.AddOptions(explain);
        explain.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            ExplainRequest request = new() { User = parsed.GetValue(user), AtUnixMs = Time(parsed.GetValue(at), "--at") };
            Explanation explanation = await client.CallAsync<Explanation>("v1/query/Explain", request, cancellation);
            if (explanation.Segment is null)
            {
                await Console.Error.WriteLineAsync("Nothing is known of that instant: no device of the user had spoken, or the user did not consent.");
                return ExitCode.NotSo;
            }

            if (parsed.GetValue(json)) Console.WriteLine(ToJson(explanation));
            else WriteExplanation(explanation);
            return ExitCode.Done;
        }, cancellation));
        return explain;
    }

    private static void WriteTable(SegmentList segments)
    {
        Table table = new() { Border = TableBorder.Rounded };
        foreach (string column in new[] { "from (UTC)", "minutes", "scenario", "confidence", "because of", "devices" }) table.AddColumn(column);
        foreach (Segment segment in segments.Segments)
        {
            table.AddRow(
                At(segment.StartUnixMs), $"{(segment.EndUnixMs - segment.StartUnixMs) / 60_000}", Markup.Escape(segment.Scenario) + (segment.Provisional ? " ..." : ""),
                segment.Confidence > 0 ? $"{segment.Confidence:P0}" : "", Markup.Escape(string.Join(", ", segment.Evidence.Take(3).Select(evidence => evidence.Feature))),
                Markup.Escape(string.Join(", ", segment.Devices)));
        }

        AnsiConsole.Write(table);
    }

    // The segment's own fields, as 'list' prints them, and beside them what it were without each device.
    private static string ToJson(Explanation explanation)
    {
        JsonObject segment = JsonNode.Parse(Google.Protobuf.JsonFormatter.Default.Format(explanation.Segment))!.AsObject();
        segment["without"] = JsonNode.Parse(Google.Protobuf.JsonFormatter.Default.Format(explanation))!["without"]?.DeepClone() ?? new JsonArray();
        return segment.ToJsonString();
    }

    private static void WriteExplanation(Explanation explanation)
    {
        Segment segment = explanation.Segment;
        AnsiConsole.MarkupLineInterpolated($"[bold]{segment.Scenario}[/] from {At(segment.StartUnixMs)} to {At(segment.EndUnixMs)} UTC, model {segment.ModelVersion}");
        bool isSaid = segment.Evidence is [{ Feature: "answer", Share: 1 }];
        if (isSaid) AnsiConsole.MarkupLine("Its person said so.");
        else if (segment.Confidence > 0) AnsiConsole.MarkupLineInterpolated($"Of 100 such minutes about {segment.Confidence * 100:F0} are right.");
        if (segment.Evidence.Count > 0)
        {
            BarChart chart = new BarChart().Width(60).Label("Share of the evidence, % (against: see the sign)");
            foreach (Evidence evidence in segment.Evidence)
                chart.AddItem($"{(evidence.Share < 0 ? "- " : "+ ")}{evidence.Feature}", Math.Round(Math.Abs(evidence.Share) * 100, 1), evidence.Share < 0 ? Color.Red : Color.Green);
            AnsiConsole.Write(chart);
        }

        foreach (WithoutDevice without in explanation.Without)
        {
            string answer = without.Segment is { } other ? $"{other.Scenario} from {At(other.StartUnixMs)} to {At(other.EndUnixMs)}{(other.Confidence > 0 ? $", confidence {other.Confidence:P0}" : "")}" : "nothing known";
            AnsiConsole.MarkupLineInterpolated($"Without {without.Device}: {answer}");
        }
    }

    private static string At(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);

    private static long Time(string? text, string option) => Instant.Parse(option, text);
}
