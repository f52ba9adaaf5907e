using System.Diagnostics.Metrics;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>Meter "Telemetry.Ingest". The counts of one scrape come from one snapshot, so that promise 2 holds in every scrape.</summary>
internal sealed class IngestMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly IngestService _service;

    // A scrape reads all instruments on one thread, one after the other: the instrument that asks for the second time begins a new one.
    [ThreadStatic]
    private static (IngestService? Service, IngestCounts Counts, bool ReceivedTaken, bool OutcomesTaken) t_scrape;

    public IngestMetrics(IngestService service)
    {
        _service = service;
        _meter = new Meter(new MeterOptions("Telemetry.Ingest") { Scope = service });
        _meter.CreateObservableCounter("telemetry.ingest.received", ObserveReceived, "{batch}", "Batches that endpoints submitted: the sum of all outcomes.");
        _meter.CreateObservableCounter("telemetry.ingest.batches", ObserveOutcomes, "{batch}", "Batches by outcome.");
        _meter.CreateObservableCounter("telemetry.ingest.bytes", () => service.Counts.StoredBytes, "By", "Bytes of stored batches.");
        _meter.CreateObservableCounter("telemetry.ingest.replayed", () => service.Counts.Replayed, "{batch}", "Dead letters that became batches.");
        _meter.CreateObservableCounter("telemetry.ingest.reasons", ObserveReasons, "{batch}", "Dead-lettered and refused batches by reason.");
        _meter.CreateObservableCounter("telemetry.ingest.life", () => service.LifeMessages, "{message}", "Births and last wills.");
        _meter.CreateObservableGauge("telemetry.ingest.dead_letters", () => service.UnsettledDeadLetters, "{batch}", "Dead letters that wait for a fix.");
        _meter.CreateObservableGauge("telemetry.ingest.epochs", () => service.SequenceMemory.Epochs, "{epoch}", "Device epochs whose sequences are known.");
        _meter.CreateObservableGauge("telemetry.ingest.sequence_memory", () => service.SequenceMemory.Bytes, "By", "Bytes that remember sequences.");
    }

    public void Dispose() => _meter.Dispose();

    private long ObserveReceived()
    {
        if (t_scrape.Service != _service || t_scrape.ReceivedTaken) t_scrape = (_service, _service.Counts, false, false);
        t_scrape.ReceivedTaken = true;
        return t_scrape.Counts.Received;
    }

    private IEnumerable<Measurement<long>> ObserveOutcomes()
    {
        if (t_scrape.Service != _service || t_scrape.OutcomesTaken) t_scrape = (_service, _service.Counts, false, false);
        t_scrape.OutcomesTaken = true;
        IngestCounts counts = t_scrape.Counts;
        return
        [
            new Measurement<long>(counts.Stored, Tag("outcome", "stored")),
            new Measurement<long>(counts.Duplicate, Tag("outcome", "duplicate")),
            new Measurement<long>(counts.DeadLettered, Tag("outcome", "dead_lettered")),
            new Measurement<long>(counts.Refused, Tag("outcome", "refused")),
        ];
    }

    private IEnumerable<Measurement<long>> ObserveReasons()
    {
        foreach (RefusalReason reason in Enum.GetValues<RefusalReason>())
        {
            long count = 0;
            foreach (IngestShard shard in _service.Shards)
            {
                lock (shard.Lock) count += shard.ByReason[(int)reason];
            }

            if (reason != RefusalReason.None) yield return new Measurement<long>(count, Tag("reason", reason.ToString()));
        }
    }

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);
}
