using Telemetry.Log;
using Telemetry.Mqtt.Broker;

namespace Telemetry.Collector.Lifetime;

/// <summary>Whether senders should come here, and if not, why.</summary>
internal sealed class Readiness(BlockLog log, IReadOnlyList<ConsumerTask> consumers)
{
    private volatile bool _isStopping;

    /// <summary>The link to a foreign broker; null where there is none.</summary>
    public BrokerLink? Broker { get; set; }

    /// <summary>The collector is draining: nothing new should come.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>The reasons against readiness; empty when ready.</summary>
    public IReadOnlyList<string> Reasons()
    {
        List<string> reasons = [];
        if (_isStopping) reasons.Add("stopping: what was admitted is being flushed");
        LogHealth health = log.Health;
        if (!health.IsWriting) reasons.Add($"log: the disk takes no writes ({health.Reason}) since {health.Since:O}; nothing is acknowledged until it does");
        if (Broker?.Health is { IsConnected: false } broker) reasons.Add($"broker: {broker.Address} since {broker.Since:O}: {broker.Reason} Batches wait there");
        foreach (ConsumerTask consumer in consumers)
        {
            if (consumer.Fault is { } fault) reasons.Add($"{consumer.Name}: stopped by {fault.GetType().Name}; ingest goes on, restart the collector to resume it");
            if (consumer.Trouble is { } trouble) reasons.Add($"{consumer.Name}: {trouble} Acknowledged batches are safe in the log; it goes on by itself");
        }

        return reasons;
    }
}
