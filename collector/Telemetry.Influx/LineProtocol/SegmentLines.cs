using System.Globalization;
using System.Text;
using Telemetry.Wire.V1;

namespace Telemetry.Influx.LineProtocol;

/// <summary>Scenario segments and released aggregates as lines, for Grafana.</summary>
/// <remarks>
/// <code>
/// scenario,user=KEY scenario="run",confidence=0.93,duration_s=1800i,devices="acme/d1 acme/d2",evidence="cadence 0.61 heart_rate 0.22",model_version="7",provisional=false,revision=12i START
/// release,measure=minutes,until=2026-01-19T00:00:00Z,where=model\=band-2,recipient=acme,scenario=run,hour=18 value=1234,error_95=20,epsilon=1,threshold=20i FROM
/// </code>
/// A segment's scenario is a field, not a tag: a revision that changes it overwrites the point instead of standing beside it. What a release was asked for is in its tags, so that
/// answers to different questions stand beside each other, and the same answer given twice is one.
/// </remarks>
internal static class SegmentLines
{
    public const string SegmentMeasurement = "scenario";
    public const string ReleaseMeasurement = "release";

    private const long NanosecondsPerMillisecond = 1_000_000;

    /// <summary>One line of one segment.</summary>
    public static string Line(Segment segment, InfluxOptions options)
    {
        StringBuilder line = new(SegmentMeasurement);
        AppendTag(line, "user", segment.User);
        line.Append(' ').Append("scenario=");
        LineWriter.AppendString(line, segment.Scenario);
        AppendNumber(line, "confidence", segment.Confidence);
        line.Append(CultureInfo.InvariantCulture, $",duration_s={(segment.EndUnixMs - segment.StartUnixMs) / 1000}i,devices=");
        LineWriter.AppendString(line, string.Join(' ', segment.Devices.Select(name => DeviceSeries.NameOf(name, options))));
        line.Append(",evidence=");
        LineWriter.AppendString(line, string.Join(' ', segment.Evidence.Select(evidence => string.Create(CultureInfo.InvariantCulture, $"{evidence.Feature} {evidence.Share:0.00}"))));
        line.Append(",model_version=");
        LineWriter.AppendString(line, segment.ModelVersion);
        line.Append(",provisional=").Append(segment.Provisional ? "true" : "false");
        line.Append(CultureInfo.InvariantCulture, $",revision={segment.Revision}i");
        AppendTime(line, segment.StartUnixMs, options.Precision);
        return line.ToString();
    }

    /// <summary>One line a row of a release; its groups are tags, for they are few by construction.</summary>
    public static IEnumerable<string> Lines(ReleaseRequest question, ReleaseTable release, long stampUnixMs, InfluxPrecision precision)
    {
        string until = question.ToUnixMs == 0 ? "" : DateTimeOffset.FromUnixTimeMilliseconds(question.ToUnixMs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        string where = string.Join(' ', question.Where.Order(StringComparer.Ordinal));
        foreach (ReleaseRow row in release.Rows)
        {
            StringBuilder line = new(ReleaseMeasurement);
            AppendTag(line, "measure", question.Measure);
            AppendTag(line, "until", until);
            AppendTag(line, "where", where);
            AppendTag(line, "recipient", question.Recipient);
            foreach ((string column, string group) in release.Columns.Zip(row.Group)) AppendTag(line, column, group);
            line.Append(CultureInfo.InvariantCulture, $" threshold={release.Threshold}i");
            AppendNumber(line, "value", row.Value);
            AppendNumber(line, "error_95", row.Error95);
            AppendNumber(line, "epsilon", release.Epsilon);
            AppendTime(line, stampUnixMs, precision);
            yield return line.ToString();
        }
    }

    /// <summary>An empty tag value is not allowed: such a tag is left out.</summary>
    private static void AppendTag(StringBuilder line, string key, string value)
    {
        if (value.Length == 0) return;
        line.Append(',');
        LineWriter.AppendKey(line, key);
        line.Append('=');
        LineWriter.AppendKey(line, value);
    }

    private static void AppendNumber(StringBuilder line, string key, double value)
    {
        if (double.IsFinite(value)) line.Append(CultureInfo.InvariantCulture, $",{key}={value:R}");
    }

    private static void AppendTime(StringBuilder line, long unixMs, InfluxPrecision precision) =>
        line.Append(' ').Append(precision == InfluxPrecision.Nanoseconds ? unixMs * NanosecondsPerMillisecond : unixMs);
}
