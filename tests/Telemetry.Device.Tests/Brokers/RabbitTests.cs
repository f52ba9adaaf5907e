using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>RabbitMQ speaks 3.1.1 only; its node takes eight seconds of two cores to start, so one runs for the whole contract.</summary>
/// <remarks>
/// This contract kills the node a second or two after the session's quorum queue was made, which is about when Ra's directory of names reaches the disk (dets, 500 ms behind).
/// Where it did not ("pre init for 0 registered servers"), the node starts a member without history that nobody elects, and each CONNECT that would resume the session waits for
/// it in vain, 65 s, for ever. The client gives the session up and begins a new one (Uplink.Open); both ends are met here, by chance.
/// </remarks>
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
