namespace Telemetry.Mqtt.Tests;

/// <summary>Operators watch live traffic with any MQTT tool, and never slow it down.</summary>
public class TapTests
{
    private const string Token = "operator-token-1";

    private static readonly MqttEndpointOptions WithOperator = new() { OperatorToken = Token };

    [Theory]
    [InlineData("#")]
    [InlineData("t1/acme/+/up")]
    public async Task Operator_WildcardSubscription_SeesBatchesAtQos0(string filter)
    {
        await using MqttHost host = await MqttHost.StartAsync(WithOperator);
        await using WireClient watcher = await ConnectOperatorAsync(host);
        await using WireClient device = await host.ConnectAsync();
        await watcher.SendAsync(Bytes.Subscribe(5, 1, filter, options: 2));
        await watcher.ExpectAsync(0x90, 4, 0, 1, 0, 0);

        await device.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 1));

        await watcher.ExpectAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", 0));
        await device.ExpectAsync(0x40, 2, 0, 1);
    }

    [Fact]
    public async Task Operator_WrongToken_IsRefused()
    {
        await using MqttHost host = await MqttHost.StartAsync(WithOperator);
        await using WireClient client = await host.OpenAsync();

        await client.SendAsync(new ConnectBytes { ClientId = "o", UserName = "operator", Password = "operator-token-2" }.ToArray());

        Assert.Equal(0x86, (await client.ReadPacketAsync())[3]);
        await client.ExpectClosedAsync();
    }

    [Fact]
    public async Task Operator_MayNotPublish()
    {
        await using MqttHost host = await MqttHost.StartAsync(WithOperator);
        await using WireClient watcher = await ConnectOperatorAsync(host);

        await watcher.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 1));

        await watcher.ExpectAsync(0x40, 3, 0, 1, 0x87);
        Assert.Empty(host.Ingest.Submitted);
    }

    [Fact]
    public async Task Operator_TooSlow_MissesMessagesAndTheyAreCounted()
    {
        await using MqttHost host = await MqttHost.StartAsync(WithOperator with { MaxOutboxBytes = 4 * 1024 });
        await using WireClient watcher = await ConnectOperatorAsync(host);
        await using WireClient device = await host.ConnectAsync();
        await watcher.SendAsync(Bytes.Subscribe(5, 1, "#"));
        await watcher.ReadPacketAsync();
        string batch = new('x', 200_000);

        // The watcher reads nothing: its socket and pipe fill up, and the device still gets every acknowledgement.
        int sent = 0;
        while (host.Endpoint.Counters.TapDropped == 0)
        {
            Assert.True(++sent < 500, "100 MB went to a socket that nobody reads.");
            await device.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", batch, id: 1));
            await device.ExpectAsync(0x40, 2, 0, 1);
        }

        Assert.Equal(sent, host.Ingest.Submitted.Count);
    }

    private static async Task<WireClient> ConnectOperatorAsync(MqttHost host)
    {
        WireClient client = await host.OpenAsync();
        await client.SendAsync(new ConnectBytes { ClientId = "o", UserName = "operator", Password = Token }.ToArray());
        Assert.Equal(0, (await client.ReadPacketAsync())[3]);
        return client;
    }
}
