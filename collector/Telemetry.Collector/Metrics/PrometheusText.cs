using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Telemetry.Collector.Metrics;

/// <summary>Renders what the OpenTelemetry SDK aggregated as Prometheus text, version 0.0.4.</summary>
/// <remarks>Names: dots become underscores, counters end in <c>_total</c>, a unit in seconds or bytes is part of the name.</remarks>
internal sealed class PrometheusText : BaseExporter<Metric>
{
    private readonly StringBuilder _text = new();
    private readonly Lock _gate = new();

    /// <summary>One scrape: collects every instrument now.</summary>
    public string Scrape(MetricReader reader)
    {
        lock (_gate)
        {
            _text.Clear();
            reader.Collect();
            return _text.ToString();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (Metric metric in batch)
        {
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic or MetricType.LongGauge or MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic or MetricType.DoubleGauge:
                    WriteNumbers(metric);
                    break;
                case MetricType.Histogram:
                    WriteHistogram(metric);
                    break;
                default:
                    break; // Exponential histograms have no place in text 0.0.4; none of our meters makes one.
            }
        }

        return ExportResult.Success;
    }

    private void WriteNumbers(Metric metric)
    {
        bool isCounter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        string name = NameOf(metric) + (isCounter ? "_total" : "");
        WriteHead(metric, name, isCounter ? "counter" : "gauge");
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            _text.Append(name);
            WriteLabels(point.Tags, null);
            _text.Append(' ');
            AppendValue(metric.MetricType switch
            {
                MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
                MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
                MetricType.LongGauge => point.GetGaugeLastValueLong(),
                _ => point.GetGaugeLastValueDouble(),
            });
        }
    }

    private void WriteHistogram(Metric metric)
    {
        string name = NameOf(metric);
        WriteHead(metric, name, "histogram");
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            long seen = 0;
            foreach (HistogramBucket bucket in point.GetHistogramBuckets())
            {
                seen += bucket.BucketCount;
                _text.Append(name).Append("_bucket");
                WriteLabels(point.Tags, double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : bucket.ExplicitBound.ToString("R", CultureInfo.InvariantCulture));
                _text.Append(' ').Append(seen).Append('\n');
            }

            _text.Append(name).Append("_sum");
            WriteLabels(point.Tags, null);
            _text.Append(' ');
            AppendValue(point.GetHistogramSum());
            _text.Append(name).Append("_count");
            WriteLabels(point.Tags, null);
            _text.Append(' ').Append(point.GetHistogramCount()).Append('\n');
        }
    }

    private void WriteHead(Metric metric, string name, string type)
    {
        if (!string.IsNullOrEmpty(metric.Description)) _text.Append("# HELP ").Append(name).Append(' ').Append(metric.Description.ReplaceLineEndings(" ")).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }

    private void WriteLabels(ReadOnlyTagCollection tags, string? bound)
    {
        if (tags.Count == 0 && bound is null) return;
        char separator = '{';
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            _text.Append(separator).Append(tag.Key.Replace('.', '_')).Append("=\"");
            AppendEscaped(Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "");
            _text.Append('"');
            separator = ',';
        }

        if (bound is not null) _text.Append(separator).Append("le=\"").Append(bound).Append('"');
        _text.Append('}');
    }

    private void AppendEscaped(string value)
    {
        foreach (char c in value)
        {
            if (c == '\n') _text.Append("\\n");
            else if (c is '\\' or '"') _text.Append('\\').Append(c);
            else _text.Append(c);
        }
    }

    private void AppendValue(double value) => _text.Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');

    private static string NameOf(Metric metric)
    {
        string unit = metric.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        string name = metric.Name.Replace('.', '_').Replace('-', '_');
        return unit.Length > 0 && !name.EndsWith(unit, StringComparison.Ordinal) ? name + unit : name;
    }
}
