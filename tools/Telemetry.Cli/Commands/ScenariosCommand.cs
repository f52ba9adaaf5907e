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
    private const int RoomForDevices = 120; // columns of the terminal; 'explain' and --json always name devices

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
            else ExplanationText.Write(explanation);
            return ExitCode.Done;
        }, cancellation));
        return explain;
    }

    private static void WriteTable(SegmentList segments)
    {
        bool hasRoom = AnsiConsole.Profile.Width >= RoomForDevices;
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("from (UTC)").NoWrap());
        table.AddColumn(new TableColumn("minutes").RightAligned());
        table.AddColumn(new TableColumn("scenario").NoWrap());
        table.AddColumn(new TableColumn("sure").RightAligned());
        table.AddColumn("because of");
        if (hasRoom) table.AddColumn("devices");
        foreach (Segment segment in segments.Segments)
        {
            List<string> cells =
            [
                At(segment.StartUnixMs), $"{(segment.EndUnixMs - segment.StartUnixMs) / 60_000}", Markup.Escape(segment.Scenario) + (segment.Provisional ? " ..." : ""),
                segment.Confidence > 0 ? $"{segment.Confidence:P0}" : "", Markup.Escape(string.Join(", ", segment.Evidence.Take(3).Select(evidence => evidence.Feature))),
            ];
            if (hasRoom) cells.Add(Markup.Escape(string.Join(", ", segment.Devices)));
            table.AddRow([.. cells]);
        }

        AnsiConsole.Write(table);
    }

    // The segment's own fields, as 'list' prints them, and beside them what the features were, and what it were without each device.
    private static string ToJson(Explanation explanation)
    {
        JsonObject segment = JsonNode.Parse(Google.Protobuf.JsonFormatter.Default.Format(explanation.Segment))!.AsObject();
        JsonObject whole = JsonNode.Parse(Google.Protobuf.JsonFormatter.Default.Format(explanation))!.AsObject();
        foreach (string part in (string[])["values", "without"]) segment[part] = whole[part]?.DeepClone() ?? new JsonArray();
        segment["calibratedPeople"] = explanation.CalibratedPeople;
        return segment.ToJsonString();
    }

    internal static string At(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);

    private static long Time(string? text, string option) => Instant.Parse(option, text);
}
