using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

public class ConnectTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-3.1.4-4")]
    [Statement(V311, "MQTT-3.2.0-1")]
    [Statement(V311, "MQTT-3.2.2-1")]
    [Statement(V5, "MQTT-3.1.4-5")]
    [Statement(V5, "MQTT-3.2.0-1")]
    [Statement(V5, "MQTT-3.2.2-2")]
    public async Task Connect_KnownDevice_IsAccepted(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        Assert.False(client.IsSessionPresent);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.4-2")]
    [Statement(V5, "MQTT-3.2.2-7")]
    [Statement(V5, "MQTT-3.2.2-8")]
    [Statement(V5, "MQTT-3.2.2-6")]
    public async Task Connect_WrongSecretV5_IsRefused0x86()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        connect.Password = "wrong";

        await client.SendAsync(connect.ToArray());

        byte[] connack = await client.ReadPacketAsync();
        Assert.Equal([0x20, 0, 0x86], [connack[0], connack[2], connack[3]]);
        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.BadCredentials);
    }

    [Fact]
    [Statement(V311, "MQTT-3.2.2-4")]
    [Statement(V311, "MQTT-3.2.2-5")]
    public async Task Connect_WrongSecretV311_IsRefusedWithCode4()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1", 4);
        connect.Password = "wrong";

        await client.SendAsync(connect.ToArray());

        await client.ExpectAsync(0x20, 2, 0, 4);
        await client.ExpectClosedAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.0-1")]
    [Statement(V311, "MQTT-3.1.0-1")]
    [Statement(V5, "MQTT-3.14.0-1")]
    public async Task FirstPacket_NotConnect_ClosesWithoutAWord()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();

        await client.SendAsync(0xC0, 0);

        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.FirstPacketNotConnect);
    }
}
