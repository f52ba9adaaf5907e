using System.Globalization;
using System.Net;
using System.Text;

namespace Telemetry.Scenarios.Training;

/// <summary>An evaluation as one page for people: pictures are SVG within the page, nothing is loaded from elsewhere.</summary>
public static class ReportPage
{
    private const int Side = 320; // of a square picture, px
    private const int LabelWidth = 110;

    private const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff; }
        table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #d8dee6; }
        th:first-child, td:first-child { text-align: left; } svg { overflow: visible; } svg text { font: 12px system-ui, sans-serif; fill: #1c2430; }
        .row { display: flex; flex-wrap: wrap; gap: 3rem; } .note { color: #556; }
        """;

    /// <summary>Makes the page.</summary>
    /// <param name="set">Name of the labelled set.</param>
    /// <param name="how">How it was split, for the first line.</param>
    /// <param name="report">The figures.</param>
    /// <returns>HTML, complete.</returns>
    public static string Write(string set, string how, EvaluationReport report)
    {
        StringBuilder page = new();
        string title = $"Scenarios judged on {WebUtility.HtmlEncode(set)}";
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{Style}</style></head><body>\n<h1>{title}</h1>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p>{WebUtility.HtmlEncode(how)}. {report.People:N0} judged, {report.Minutes:N0} labelled minutes.</p>\n");
        WriteFigures(page, report);
        page.Append("<div class=\"row\">\n<section><h2>F1 by scenario, after 5 minutes</h2>\n");
        WriteBars(page, report);
        page.Append("</section>\n<section><h2>Is it as sure as it is right?</h2>\n");
        WriteReliability(page, report);
        page.Append("</section>\n</div>\n<section><h2>Taken for what</h2>\n");
        WriteConfusion(page, report);
        page.Append("</section>\n</body></html>\n");
        return page.ToString();
    }

    private static void WriteFigures(StringBuilder page, EvaluationReport report)
    {
        page.Append("<table><tr><th></th><th>at once</th><th>after 5 minutes</th></tr>\n");
        Row("macro-F1", F(report.MacroF1Streaming), F(report.MacroF1Lag5));
        if (report.WithAnswers is { } with) Row($"macro-F1 when asked {with.AnswersPerDay} times a day", F(with.MacroF1Streaming), F(with.MacroF1Lag5));
        Row("right minutes", F(report.AccuracyStreaming), F(report.AccuracyLag5));
        Row("mean recall of the scenarios", F(report.ClassAccuracyStreaming), F(report.ClassAccuracyLag5));
        Row("calibration error of the confidence", F(report.Ece), "");
        Row("right among the surest half", F(report.AccuracyTopHalf), "");
        Row("true boundaries found within 5 minutes", "", F(report.BoundaryWithin5Min));
        Row("median distance of those, minutes", "", F(report.BoundaryMedianMin));
        Row("segments by true segments", "", F(report.SegmentsRatio));
        page.Append("</table>\n");

        void Row(string name, string now, string later) => page.Append(CultureInfo.InvariantCulture, $"<tr><td>{name}</td><td>{now}</td><td>{later}</td></tr>\n");
    }

    private static void WriteBars(StringBuilder page, EvaluationReport report)
    {
        const int Height = 24;
        page.Append(CultureInfo.InvariantCulture, $"<svg width=\"{LabelWidth + Side + 90}\" height=\"{report.PerClass.Count * Height}\" role=\"img\" aria-label=\"F1 by scenario\">\n");
        int y = 0;
        foreach ((string name, ClassReport scores) in report.PerClass)
        {
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{y + 16}\" text-anchor=\"end\">{WebUtility.HtmlEncode(name)}</text>");
            page.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth}\" y=\"{y + 3}\" width=\"{scores.F1 * Side:F1}\" height=\"{Height - 6}\" fill=\"#2f6fb0\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth + (scores.F1 * Side) + 6:F1}\" y=\"{y + 16}\">{scores.F1:F3} of {scores.Minutes:N0}</text>\n");
            y += Height;
        }

        page.Append("</svg>\n");
    }

    // A dot a bin, its area by the bin's minutes; on the diagonal the confidence is true.
    private static void WriteReliability(StringBuilder page, EvaluationReport report)
    {
        page.Append(CultureInfo.InvariantCulture, $"<svg width=\"{Side + 50}\" height=\"{Side + 45}\" role=\"img\" aria-label=\"Confidence against share of right minutes\"><g transform=\"translate(40,5)\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Side}\" height=\"{Side}\" fill=\"none\" stroke=\"#99a\"/><line x1=\"0\" y1=\"{Side}\" x2=\"{Side}\" y2=\"0\" stroke=\"#99a\" stroke-dasharray=\"4\"/>\n");
        double most = report.Reliability.Count == 0 ? 1 : report.Reliability.Max(bin => bin.Minutes);
        foreach (ReliabilityBin bin in report.Reliability)
        {
            page.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{bin.Confidence * Side:F1}\" cy=\"{(1 - bin.Right) * Side:F1}\" r=\"{3 + (11 * Math.Sqrt(bin.Minutes / most)):F1}\" fill=\"#c65d21\" fill-opacity=\".7\">");
            page.Append(CultureInfo.InvariantCulture, $"<title>said {bin.Confidence:F2}, right {bin.Right:F2}, {bin.Minutes:N0} minutes</title></circle>\n");
        }

        foreach (double tick in (double[])[0, 0.5, 1])
        {
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{tick * Side:F0}\" y=\"{Side + 16}\" text-anchor=\"middle\">{tick:F1}</text>");
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"-6\" y=\"{((1 - tick) * Side) + 4:F0}\" text-anchor=\"end\">{tick:F1}</text>\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"<text x=\"{Side / 2}\" y=\"{Side + 34}\" text-anchor=\"middle\">confidence said at once</text></g></svg>\n<p class=\"note\">Up: share of right minutes. The larger the dot, the more minutes.</p>\n");
    }

    private static void WriteConfusion(StringBuilder page, EvaluationReport report)
    {
        const int Cell = 62, Height = 26;
        string[] names = [.. report.Scenarios];
        page.Append(CultureInfo.InvariantCulture, $"<svg width=\"{LabelWidth + (names.Length * Cell)}\" height=\"{(names.Length + 1) * Height}\" role=\"img\" aria-label=\"Confusion table\">\n");
        for (int column = 0; column < names.Length; column++)
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth + (column * Cell) + (Cell / 2)}\" y=\"17\" text-anchor=\"middle\">{WebUtility.HtmlEncode(names[column])}</text>\n");
        for (int row = 0; row < names.Length; row++)
        {
            int y = (row + 1) * Height;
            double total = Math.Max(1, report.Confusion[row].Sum());
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{y + 17}\" text-anchor=\"end\">{WebUtility.HtmlEncode(names[row])}</text>");
            for (int column = 0; column < names.Length; column++)
            {
                double share = report.Confusion[row][column] / total;
                page.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth + (column * Cell)}\" y=\"{y}\" width=\"{Cell - 1}\" height=\"{Height - 1}\" fill=\"{(row == column ? "#2f6fb0" : "#c65d21")}\" fill-opacity=\"{share:F3}\"/>");
                page.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth + (column * Cell) + (Cell / 2)}\" y=\"{y + 17}\" text-anchor=\"middle\">{report.Confusion[row][column]:N0}</text>");
            }

            page.Append('\n');
        }

        page.Append("</svg>\n<p class=\"note\">Rows: what people said; columns: what was named. Minutes, after 5 minutes; shade = share of the row.</p>\n");
    }

    private static string F(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
}
