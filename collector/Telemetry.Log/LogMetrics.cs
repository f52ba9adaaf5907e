using System.Diagnostics.Metrics;

namespace Telemetry.Log;

/// <summary>Meter "Telemetry.Log". Plain fields, each written under the append lock or by the writer thread alone.</summary>
internal sealed class LogMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<double> _flushSeconds;
    private long _records;
    private long _bytes;
    private long _flushes;
    private long _damagedBytes;

    public LogMetrics(BlockLog log)
    {
        _meter = new Meter(new MeterOptions("Telemetry.Log") { Scope = log });
        _flushSeconds = _meter.CreateHistogram<double>("telemetry.log.flush.duration", "s", "Time to write and flush one group.");
        _meter.CreateObservableCounter("telemetry.log.records", () => Volatile.Read(ref _records), "{record}", "Records flushed.");
        _meter.CreateObservableCounter("telemetry.log.bytes", () => Volatile.Read(ref _bytes), "By", "Bytes of records flushed.");
        _meter.CreateObservableCounter("telemetry.log.flushes", () => Volatile.Read(ref _flushes), "{flush}", "Groups flushed.");
        _meter.CreateObservableCounter("telemetry.log.flush.failures", () => Volatile.Read(ref FlushFailures), "{flush}", "Groups the disk refused; each is tried again.");
        _meter.CreateObservableCounter("telemetry.log.appends.refused", () => Volatile.Read(ref AppendsRefused), "{record}", "Appends that found the buffer full.");
        _meter.CreateObservableCounter("telemetry.log.damaged", () => Volatile.Read(ref _damagedBytes), "By", "Bytes readers passed over because no intact record holds them.");
        _meter.CreateObservableGauge("telemetry.log.writable", () => log.Health.IsWriting ? 1 : 0, null, "1 while the disk takes writes.");
        _meter.CreateObservableGauge("telemetry.log.waiting", () => log.WaitingBytes, "By", "Bytes that wait for the next flush.");
        _meter.CreateObservableGauge("telemetry.log.durable_position", () => log.DurablePosition, "By", "End of what is flushed.");
        _meter.CreateObservableGauge("telemetry.log.consumer.lag", log.ObserveLags, "By", "Bytes of durable records that a consumer has yet to read.");
    }

    public long FlushFailures;

    public long AppendsRefused;

    public void CountFlush(AppendBuffer group, TimeSpan duration)
    {
        Volatile.Write(ref _records, _records + group.RecordCount);
        Volatile.Write(ref _bytes, _bytes + group.Count);
        Volatile.Write(ref _flushes, _flushes + 1);
        _flushSeconds.Record(duration.TotalSeconds);
    }

    public void CountDamage(long bytes) => Interlocked.Add(ref _damagedBytes, bytes);

    public void Dispose() => _meter.Dispose();
}
