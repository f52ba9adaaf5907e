using System.Globalization;
using Spectre.Console;
using Telemetry.Wire.V1;

namespace Telemetry.Cli.Commands;

/// <summary>An explanation in words: what was named, what spoke for and against it and what it measured, and what it were without each device.</summary>
internal static class ExplanationText
{
    private const string Answer = "answer"; // evidence that is the person's word
    private const int BarCells = 20;

    public static void Write(Explanation explanation)
    {
        Segment segment = explanation.Segment;
        AnsiConsole.MarkupLineInterpolated($"[bold]{segment.Scenario}[/], {ScenariosCommand.At(segment.StartUnixMs)} to {Clock(segment.EndUnixMs)} UTC, {(segment.EndUnixMs - segment.StartUnixMs) / 60_000} minutes (model {segment.ModelVersion})");
        AnsiConsole.WriteLine(Sureness(segment, explanation.CalibratedPeople));
        if (segment.Provisional) AnsiConsole.WriteLine("It may still change: the minutes that follow are not all there yet.");
        if (segment.Evidence.Count > 0) WriteEvidence(explanation);
        if (explanation.Without.Count > 0) WriteWithout(explanation);
    }

    private static string Sureness(Segment segment, uint people) => segment switch
    {
        { Scenario: "off" } => "No device spoke, or none was worn.",
        { Scenario: "unknown" } => "Devices spoke, and none that can see what was done; or no scenario stands out enough to be named.",
        { Evidence: [{ Feature: Answer, Share: 1 }] } => "The person said so.",
        _ when people == 0 => string.Create(CultureInfo.InvariantCulture, $"{segment.Confidence * 100:F0} % sure by the model's own count. It was not held against labelled people, so compare it, and do not count on it."),
        _ => string.Create(CultureInfo.InvariantCulture, $"Of 100 minutes named with such confidence, about {segment.Confidence * 100:F0} are right, on {people} people or days the model had not seen."),
    };

    private static void WriteEvidence(Explanation explanation)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("evidence").NoWrap());
        table.AddColumn(new TableColumn("was").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("weight").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("").NoWrap());
        double most = explanation.Segment.Evidence.Max(evidence => Math.Abs(evidence.Share));
        foreach (Evidence evidence in explanation.Segment.Evidence)
        {
            bool isAgainst = evidence.Share < 0;
            string bar = new('\u2588', Math.Max(1, (int)Math.Round(BarCells * Math.Abs(evidence.Share) / most)));
            table.AddRow(
                new Text(evidence.Feature == Answer ? "the person's word" : evidence.Feature), new Text(Value(explanation.Values.FirstOrDefault(value => value.Feature == evidence.Feature))),
                new Text(Math.Abs(evidence.Share).ToString("P0", CultureInfo.InvariantCulture)), new Markup(isAgainst ? $"[red]{bar} against[/]" : $"[green]{bar}[/]"));
        }

        AnsiConsole.Write(table);
    }

    private static void WriteWithout(Explanation explanation)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("had it never spoken").NoWrap());
        table.AddColumn("this instant would be");
        foreach (WithoutDevice without in explanation.Without) table.AddRow(Markup.Escape(without.Device), Markup.Escape(Otherwise(explanation.Segment, without.Segment)));
        AnsiConsole.Write(table);
    }

    private static string Otherwise(Segment said, Segment? other)
    {
        if (other is null) return "not known of";
        bool isSame = other.Scenario == said.Scenario;
        string when = other.StartUnixMs == said.StartUnixMs && other.EndUnixMs == said.EndUnixMs ? "" : $", {Clock(other.StartUnixMs)} to {Clock(other.EndUnixMs)}";
        string sure = other.Confidence > 0 && Math.Round(other.Confidence, 2) != Math.Round(said.Confidence, 2) ? string.Create(CultureInfo.InvariantCulture, $", {other.Confidence * 100:F0} % sure") : "";
        return isSame && when.Length + sure.Length == 0 ? "the same" : $"{(isSame ? other.Scenario + " as well" : other.Scenario)}{when}{sure}";
    }

    private static string Value(FeatureValue? value) => value switch
    {
        null => "",
        { Feature: "place" } => value.Mean switch { 1 => "home", 2 => "work", 3 => "elsewhere", _ => "nowhere known" },
        { Feature: "last_room" } => Math.Round(value.Mean) switch { 1 => "bedroom", 2 => "living room", 3 => "kitchen", 4 => "bathroom", 5 => "shower", 6 => "entrance", _ => "another room" },
        { Feature: "hour_of_day" } => string.Create(CultureInfo.InvariantCulture, $"about {(int)value.Mean:d2}:{(int)(value.Mean % 1 * 60):d2}"),
        { Unit: "" } => string.Create(CultureInfo.InvariantCulture, $"{value.Mean * 100:F0} % of the time"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.Mean:0.#} {value.Unit}"),
    };

    private static string Clock(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("HH:mm", CultureInfo.InvariantCulture);
}
