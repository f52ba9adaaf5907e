using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>nats-server speaks 3.1.1 only; a client that begins with 5.0 must find that out.</summary>
public sealed class NatsTests
{
    [RealPartFact("nats-server")]
    public async Task Client311_AgainstNats_KeepsTheContract()
    {
        await using DebianBroker broker = await DebianBroker.StartNatsAsync();
        await BrokerContract.KeepsAsync(broker, 4);
    }

    [RealPartFact("nats-server")]
    public async Task Client5_AgainstNats_FallsBackAndDelivers()
    {
        await using DebianBroker broker = await DebianBroker.StartNatsAsync();
        BrokerContract.EveryBatchIsAcked(broker, 5);
    }
}
