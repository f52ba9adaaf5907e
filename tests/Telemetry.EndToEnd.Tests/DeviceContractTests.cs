using System.Text;
using System.Text.Json;
using Telemetry.Device;
using Telemetry.Device.Tests.Brokers;
using Telemetry.Simulator.Devices;
using Telemetry.Wire.Profiles;

namespace Telemetry.EndToEnd.Tests;

/// <summary>The SDK's client against our own endpoint: the contract it keeps with every broker, and every sample readable once.</summary>
public sealed class DeviceContractTests
{
    [Fact]
    public async Task Client_AgainstOurEndpoint_KeepsTheContractAndEverySampleIsStoredOnce()
    {
        await using CollectorBroker broker = await CollectorBroker.StartAsync();
        await BrokerContract.KeepsAsync(broker, 4);
        await BrokerContract.KeepsAsync(broker, 5);
        Assert.Equal(2 * BrokerContract.Batches, (await broker.SamplesAsync()).Length);
    }

    /// <summary>A collector with one device, in the shape the contract asks for.</summary>
    private sealed class CollectorBroker : ITestBroker
    {
        private const string Json =
            """{"model": "contact", "version": 1, "signals": [{"id": 1, "key": "door", "unit": "1", "kind": "state", "resolution": 1, "min": 0, "max": 1, "privacy": "ambient"}]}""";

        private readonly CollectorProcess _collector;

        private CollectorBroker(CollectorProcess collector, string secret)
        {
            _collector = collector;
            Secret = secret;
        }

        public int Port => _collector.MqttPort;

        public string Brand => "acme";

        public string Device => "dev";

        public string Secret { get; }

        public Profile Profile => new FirmwareTables(ProfileReader.Read(Encoding.UTF8.GetBytes(Json)).Profile!).ToProfile();

        public int Signal => 1;

        public static async Task<CollectorBroker> StartAsync()
        {
            CollectorProcess collector = await CollectorProcess.StartAsync();
            await File.WriteAllTextAsync(collector["contact.json"], Json);
            await collector.TelemetryAsync("brand", "add", "acme");
            await collector.TelemetryAsync("model", "add", "acme", collector["contact.json"]);
            using JsonDocument added = JsonDocument.Parse(await collector.TelemetryAsync("device", "add", "acme/dev", "--model", "contact", "--json"));
            return new CollectorBroker(collector, added.RootElement.GetProperty("secret").GetString()!);
        }

        public Task<double[]> SamplesAsync() => _collector.SamplesAsync("acme/dev", "door");

        public Task KillAsync() => _collector.KillAsync();

        public Task StartAgainAsync() => _collector.StartAgainAsync();

        public ValueTask DisposeAsync() => _collector.DisposeAsync();
    }
}
