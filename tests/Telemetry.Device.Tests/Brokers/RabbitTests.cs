using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>RabbitMQ speaks 3.1.1 only; its node takes eight seconds of two cores to start, so one runs for the whole contract.</summary>
public sealed class RabbitTests
{
    [RealPartFact("rabbitmq-server")]
    public async Task Client311_AgainstRabbit_KeepsTheContract()
    {
        await using DebianBroker broker = await DebianBroker.StartRabbitAsync();
        BrokerContract.EveryBatchIsAcked(broker, 5); // falls back to 3.1.1
        await BrokerContract.KeepsAsync(broker, 4);
    }
}
