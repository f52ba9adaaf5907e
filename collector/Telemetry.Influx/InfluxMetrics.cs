using System.Diagnostics.Metrics;

namespace Telemetry.Influx;

/// <summary>Counts of the sink, Meter "Telemetry.Influx". Plain interlocked fields; a scrape reads them.</summary>
internal sealed class InfluxMetrics : IDisposable
{
    private readonly Meter _meter = new("Telemetry.Influx");
    private long _lines;
    private long _bytes;
    private long _requests;
    private long _retries;
    private long _refused;
    private long _skippedBatches;
    private long _unwritable;
    private long _placedByReceiveTime;

    public InfluxMetrics()
    {
        _meter.CreateObservableCounter("telemetry.influx.lines", () => Lines, description: "Lines the server took");
        _meter.CreateObservableCounter("telemetry.influx.bytes", () => Volatile.Read(ref _bytes), "By", "Bytes of those lines, before compression");
        _meter.CreateObservableCounter("telemetry.influx.requests", () => Volatile.Read(ref _requests), description: "Write requests the server took");
        _meter.CreateObservableCounter("telemetry.influx.retries", () => Retries, description: "Write requests to be sent again");
        _meter.CreateObservableCounter("telemetry.influx.lines.refused", () => RefusedLines, description: "Lines set aside with the server's words");
        _meter.CreateObservableCounter("telemetry.influx.batches.skipped", () => SkippedBatches, description: "Batches without a known device, profile or good blocks");
        _meter.CreateObservableCounter("telemetry.influx.samples.unwritable", () => Unwritable, description: "Samples of unknown signals, NaN, infinities, times before 1677 and behind 2262");
        _meter.CreateObservableCounter("telemetry.influx.batches.placed_by_receive_time", () => PlacedByReceiveTime, description: "Batches whose device never knew the time");
    }

    public long Lines => Volatile.Read(ref _lines);

    public long Retries => Volatile.Read(ref _retries);

    public long RefusedLines => Volatile.Read(ref _refused);

    public long SkippedBatches => Volatile.Read(ref _skippedBatches);

    public long Unwritable => Volatile.Read(ref _unwritable);

    public long PlacedByReceiveTime => Volatile.Read(ref _placedByReceiveTime);

    public void Written(int lines, int bytes)
    {
        Interlocked.Add(ref _lines, lines);
        Interlocked.Add(ref _bytes, bytes);
        Interlocked.Increment(ref _requests);
    }

    public void Retried() => Interlocked.Increment(ref _retries);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void BatchSkipped() => Interlocked.Increment(ref _skippedBatches);

    public void SamplesUnwritable(long count) => Interlocked.Add(ref _unwritable, count);

    public void BatchPlacedByReceiveTime() => Interlocked.Increment(ref _placedByReceiveTime);

    public void Dispose() => _meter.Dispose();
}
