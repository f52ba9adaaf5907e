using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

public sealed class MosquittoTests
{
    [RealPartFact("mosquitto")]
    public async Task Client311_AgainstMosquitto_KeepsTheContract() => await KeepsTheContract(4);

    [RealPartFact("mosquitto")]
    public async Task Client5_AgainstMosquitto_KeepsTheContract() => await KeepsTheContract(5);

    private static async Task KeepsTheContract(int version)
    {
        await using DebianBroker broker = await DebianBroker.StartMosquittoAsync();
        await BrokerContract.KeepsAsync(broker, version);
    }
}
