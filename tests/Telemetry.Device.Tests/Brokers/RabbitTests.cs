using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>RabbitMQ speaks 3.1.1 only; its node takes eight seconds of two cores to start, so one runs for the whole contract.</summary>
/// <remarks>Without the kill: a node killed with a session's quorum queue open lets the client in again at once on one run and not within 100 s on the next.</remarks>
public sealed class RabbitTests
{
    [RealPartFact("rabbitmq-server")]
    public async Task Client311_AgainstRabbit_KeepsTheContractWhileItRuns()
    {
        await using DebianBroker broker = await DebianBroker.StartRabbitAsync();
        BrokerContract.EveryBatchIsAcked(broker, 5); // falls back to 3.1.1
        BrokerContract.KeepsWhileItRuns(broker, 4);
    }
}
