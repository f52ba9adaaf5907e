using System.Globalization;
using System.Net;
using System.Text;

namespace Telemetry.Scenarios.Training;

/// <summary>What a report is about, in words for its page.</summary>
/// <param name="Set">Name of the labelled set.</param>
/// <param name="How">A sentence: which model was judged, and what it had seen.</param>
/// <param name="Judged">What was left out or judged one by one: people, days or files.</param>
/// <param name="Unit">What a label is about: minutes, or windows of another length.</param>
public sealed record ReportSubject(string Set, string How, string Judged = "people", string Unit = "minutes");

/// <summary>An evaluation as one page for people: pictures are SVG within the page, nothing is loaded from elsewhere.</summary>
public static class ReportPage
{
    private const string Style = """
        :root { color-scheme: light; } body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff; }
        h2 { margin: 2.2rem 0 .4rem; font-size: 1.25rem; } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
        th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid #d8dee6; vertical-align: baseline; } th, td:first-child { white-space: nowrap; } th:first-child, td:first-child, .text { text-align: left; }
        .text { padding-left: 1.2rem; } svg { display: block; max-width: 100%; } svg text { font: 12px system-ui, sans-serif; fill: #1c2430; } svg .title { font-weight: 600; }
        .row { display: flex; flex-wrap: wrap; gap: 0 3rem; } .row section { max-width: 27rem; } .note, .text { color: #4a5568; } .note { margin: .3rem 0; }
        """;

    /// <summary>Makes the page.</summary>
    /// <param name="subject">What was judged and how, for the head of the page.</param>
    /// <param name="report">The figures.</param>
    /// <returns>HTML, complete.</returns>
    public static string Write(ReportSubject subject, EvaluationReport report)
    {
        StringBuilder page = new();
        string title = $"Scenarios judged on {Html(subject.Set)}";
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{Style}</style></head><body>\n<h1>{title}</h1>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p>{Html(subject.How)} {report.People:N0} {Html(subject.Judged)}, {report.Minutes:N0} labelled {Html(subject.Unit)}.</p>\n");
        WriteFigures(page, subject, report);
        WriteScenarios(page, subject, report);
        page.Append("<div class=\"row\">\n<section><h2>Is it as sure as it is right?</h2>\n");
        ReportPictures.WriteReliability(page, report);
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">On the dashed line the confidence is true; below it the model claims too much, above it too little. The larger a dot, the more {Html(subject.Unit)}.</p></section>\n");
        page.Append("<section><h2>What if it keeps silent when unsure?</h2>\n");
        ReportPictures.WriteCoverage(page, report);
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">Answers below the confidence are held back as unknown: so many {Html(subject.Unit)} are named then, and so many of those are right.</p></section>\n</div>\n");
        page.Append("<section><h2>What is taken for what</h2>\n");
        ReportPictures.WriteConfusion(page, subject, report);
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Html(Capital(subject.Unit))}, named after 5. Shade is the share of the row: blue is right, orange is a mistake.</p></section>\n</body></html>\n");
        return page.ToString();
    }

    internal static string Html(string text) => WebUtility.HtmlEncode(text);

    internal static string Percent(double share) => (share * 100).ToString(share is > 0 and < 0.0995 ? "F1" : "F0", CultureInfo.InvariantCulture) + " %";

    private static void WriteFigures(StringBuilder page, ReportSubject subject, EvaluationReport report)
    {
        string unit = Html(subject.Unit);
        page.Append(CultureInfo.InvariantCulture, $"<table><tr><th></th><th>at once</th><th>after 5 {unit}</th><th class=\"text\">what it says</th></tr>\n");
        Row("macro-F1", F1(report.MacroF1Streaming), F1(report.MacroF1Lag5), "mean over the scenarios, a rare one counts like any other; 1 is best");
        if (report.WithAnswers is { } with) Row($"macro-F1, asked {with.AnswersPerDay} times a day", F1(with.MacroF1Streaming), F1(with.MacroF1Lag5), "when people say now and then what they do");
        Row($"right {unit}", Percent(report.AccuracyStreaming), Percent(report.AccuracyLag5), $"of all labelled {unit}");
        Row("mean recall", Percent(report.ClassAccuracyStreaming), Percent(report.ClassAccuracyLag5), $"of a scenario's {unit}, how many are named so; mean of all");
        Row("calibration error", F1(report.Ece), F1(report.EceLag5), "distance of confidence from truth, 0 to 1; 0 is best");
        Row("right in the surest half", Percent(report.AccuracyTopHalf), "", $"among the half of the {unit} with the greatest confidence");
        Row("named", "", Percent(report.Abstention.Named), $"of all labelled {unit}, when it keeps silent below its own confidence ({report.Abstention.AtLeast.ToString("F2", CultureInfo.InvariantCulture)})");
        Row("right of those", "", Percent(report.Abstention.Right), $"of the {unit} it names all the same");
        Row("boundaries found", "", Percent(report.BoundaryWithin5Min), $"true changes of scenario with a named one at most 5 {unit} away");
        Row("their distance", "", report.BoundaryMedianMin.ToString("F0", CultureInfo.InvariantCulture), $"{unit}, median of those found");
        Row("fragmentation", "", report.SegmentsRatio.ToString("F2", CultureInfo.InvariantCulture) + " ×", "segments named for each true one; above 1 stays are broken up, below 1 run together");
        page.Append("</table>\n");

        void Row(string name, string now, string later, string meaning) =>
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{name}</td><td>{now}</td><td>{later}</td><td class=\"text\">{meaning}</td></tr>\n");
    }

    private static void WriteScenarios(StringBuilder page, ReportSubject subject, EvaluationReport report)
    {
        const int Width = 260, Height = 14;
        page.Append(CultureInfo.InvariantCulture, $"<section><h2>Scenario by scenario, after 5 {Html(subject.Unit)}</h2>\n");
        page.Append(CultureInfo.InvariantCulture, $"<table><tr><th>scenario</th><th>{Html(subject.Unit)}</th><th>precision</th><th>recall</th><th>F1</th><th class=\"text\">F1, 0 to 1</th></tr>\n");
        foreach ((string name, ClassReport scores) in report.PerClass.OrderByDescending(pair => pair.Value.F1))
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Html(name)}</td><td>{scores.Minutes:N0}</td><td>{Percent(scores.Precision)}</td><td>{Percent(scores.Recall)}</td><td>{F1(scores.F1)}</td>");
            page.Append(CultureInfo.InvariantCulture, $"<td class=\"text\"><svg width=\"{Width}\" height=\"{Height}\" aria-hidden=\"true\"><rect width=\"{Width}\" height=\"{Height}\" fill=\"#edf1f6\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<rect width=\"{scores.F1 * Width:F1}\" height=\"{Height}\" fill=\"#2f6fb0\"/></svg></td></tr>\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"</table>\n<p class=\"note\">Precision: of the {Html(subject.Unit)} named so, how many were. Recall: of those that were, how many are named so. F1 is their harmonic mean.</p></section>\n");
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string F1(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
}
