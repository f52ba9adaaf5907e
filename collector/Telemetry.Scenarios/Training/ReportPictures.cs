using System.Globalization;
using System.Text;

namespace Telemetry.Scenarios.Training;

/// <summary>The drawings of <see cref="ReportPage"/>, SVG in px.</summary>
internal static class ReportPictures
{
    private const int Side = 300;                 // of a square picture
    private const int Left = 56, Top = 14, Bottom = 44, Right = 60; // room for ticks, titles and the largest dot
    private const string Blue = "#2f6fb0", Orange = "#b4531a";

    // A dot a bin, its area by the bin's minutes; on the diagonal the confidence is true.
    public static void WriteReliability(StringBuilder page, EvaluationReport report)
    {
        Begin(page, "Confidence against the share of right answers", "confidence said at once", "share of right answers");
        page.Append(CultureInfo.InvariantCulture, $"<line x1=\"0\" y1=\"{Side}\" x2=\"{Side}\" y2=\"0\" stroke=\"#6b7688\" stroke-dasharray=\"4\"/>\n");
        double most = report.Reliability.Count == 0 ? 1 : report.Reliability.Max(bin => bin.Minutes);
        foreach (ReliabilityBin bin in report.Reliability.OrderByDescending(bin => bin.Minutes)) // small dots above large ones
        {
            page.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{bin.Confidence * Side:F1}\" cy=\"{(1 - bin.Right) * Side:F1}\" r=\"{3 + (9 * Math.Sqrt(bin.Minutes / most)):F1}\" fill=\"{Orange}\" fill-opacity=\".75\" stroke=\"#fff\">");
            page.Append(CultureInfo.InvariantCulture, $"<title>said {bin.Confidence:F2}, right {bin.Right:F2}: {bin.Minutes:N0}</title></circle>\n");
        }

        page.Append("</g></svg>\n");
    }

    // Two lines over the confidence asked for; the end of each carries its name.
    public static void WriteCoverage(StringBuilder page, EvaluationReport report)
    {
        CoveragePoint[] points = [.. report.Coverage.Where(point => point.Named > 0)];
        Begin(page, "Share of named and of right answers by confidence", "held back below this confidence", "share");
        if (points.Length > 0)
        {
            bool isRightAbove = points[^1].Right >= points[^1].Named; // names stand apart where the lines end together
            Line("named", Blue, [.. points.Select(point => (point.AtLeast, point.Named))], isRightAbove ? 11 : -2);
            Line("right", Orange, [.. points.Select(point => (point.AtLeast, point.Right))], isRightAbove ? -2 : 11);
        }

        page.Append("</g></svg>\n");

        void Line(string name, string colour, (double X, double Y)[] line, int nameBelow)
        {
            string path = string.Join(' ', line.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X * Side:F1},{(1 - point.Y) * Side:F1}")));
            page.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<text class=\"title\" x=\"{(line[^1].X * Side) + 6:F1}\" y=\"{((1 - line[^1].Y) * Side) + nameBelow:F1}\" style=\"fill:{colour}\">{name}</text>\n");
        }
    }

    // A row a scenario that people said; rows of "(other)" and of scenarios nobody said hold nothing.
    public static void WriteConfusion(StringBuilder page, ReportSubject subject, EvaluationReport report)
    {
        const int Height = 26, Slant = 74, LeastLabels = 120, LetterWidth = 7, WidestCell = 62, NarrowestCell = 40, Room = 800;
        string[] names = [.. report.Scenarios];
        int[] rows = [.. Enumerable.Range(0, names.Length).Where(row => report.Confusion[row].Sum() > 0)];
        int labels = Math.Max(LeastLabels, 20 + (names.Max(name => name.Length) * LetterWidth)), cell = Math.Clamp((Room - labels) / names.Length, NarrowestCell, WidestCell);
        int width = labels + (names.Length * cell) + Slant, height = Slant + (rows.Length * Height) + 4;
        page.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"What was said against what was named\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<text class=\"title\" x=\"{labels - 8}\" y=\"{Slant - 8}\" text-anchor=\"end\">said \u2193 named \u2192</text>\n");
        for (int column = 0; column < names.Length; column++)
        {
            int x = labels + (column * cell) + (cell / 2) - 4, y = Slant - 6;
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" transform=\"rotate(-38 {x} {y})\">{ReportPage.Html(names[column])}</text>\n");
        }

        for (int i = 0; i < rows.Length; i++)
        {
            int row = rows[i], y = Slant + (i * Height), total = report.Confusion[row].Sum();
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{labels - 8}\" y=\"{y + 17}\" text-anchor=\"end\">{ReportPage.Html(names[row])}</text>");
            for (int column = 0; column < names.Length; column++)
            {
                int count = report.Confusion[row][column], x = labels + (column * cell);
                double share = (double)count / total;
                string tip = string.Create(CultureInfo.InvariantCulture, $"{names[row]} named {names[column]}: {count:N0} {subject.Unit}, {ReportPage.Percent(share)}");
                page.Append(CultureInfo.InvariantCulture, $"<g><title>{ReportPage.Html(tip)}</title><rect x=\"{x}\" y=\"{y}\" width=\"{cell - 1}\" height=\"{Height - 1}\" fill=\"#f6f8fa\"/>");
                page.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y}\" width=\"{cell - 1}\" height=\"{Height - 1}\" fill=\"{(row == column ? Blue : Orange)}\" fill-opacity=\"{share:F3}\"/>");
                string colour = share > 0.5 ? " style=\"fill:#fff\"" : "";
                page.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + (cell / 2)}\" y=\"{y + 17}\" text-anchor=\"middle\"{colour}>{(count == 0 ? "" : count.ToString("N0", CultureInfo.InvariantCulture))}</text></g>");
            }

            page.Append('\n');
        }

        page.Append("</svg>\n");
    }

    // A square of shares, 0 at the lower left; what follows draws in its px.
    private static void Begin(StringBuilder page, string name, string across, string up)
    {
        int width = Left + Side + Right, height = Top + Side + Bottom;
        page.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{name}\"><g transform=\"translate({Left},{Top})\">\n");
        foreach (double tick in (double[])[0, 0.25, 0.5, 0.75, 1])
        {
            double x = tick * Side, y = (1 - tick) * Side;
            page.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x}\" y1=\"0\" x2=\"{x}\" y2=\"{Side}\" stroke=\"#e3e8ee\"/><line x1=\"0\" y1=\"{y}\" x2=\"{Side}\" y2=\"{y}\" stroke=\"#e3e8ee\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{Side + 18}\" text-anchor=\"middle\">{tick:0.##}</text><text x=\"-10\" y=\"{y + 4}\" text-anchor=\"end\">{tick:0.##}</text>\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"<text class=\"title\" x=\"{Side / 2}\" y=\"{Side + 37}\" text-anchor=\"middle\">{across}</text>");
        page.Append(CultureInfo.InvariantCulture, $"<text class=\"title\" transform=\"translate(-42,{Side / 2}) rotate(-90)\" text-anchor=\"middle\">{up}</text>\n");
    }
}
