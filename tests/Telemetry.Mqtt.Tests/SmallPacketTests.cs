using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>Maximum Packet Size of the client: what would make an answer larger than that is left out of it.</summary>
public class SmallPacketTests
{
    private static readonly MqttEndpointOptions LabOn = new() { Lab = new LabOptions() };

    [Fact]
    [Statement(V5, "MQTT-3.4.2-3")]
    [Statement(V5, "MQTT-3.5.2-3")]
    [Statement(V5, "MQTT-3.6.2-2")]
    [Statement(V5, "MQTT-3.6.2-3")]
    [Statement(V5, "MQTT-3.7.2-2")]
    [Statement(V5, "MQTT-3.7.2-3")]
    [Statement(V5, "MQTT-3.9.2-1")]
    [Statement(V5, "MQTT-3.9.2-2")]
    [Statement(V5, "MQTT-3.11.2-1")]
    [Statement(V5, "MQTT-3.11.2-2")]
    public async Task Refusals_ToAClientOfSmallPackets_HaveNeitherReasonStringNorUserProperty()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Properties = [0x27, 0, 0, 0, 24]);

        (byte[] Sent, byte[] Answer)[] exchanges =
        [
            (Bytes.Publish(5, "t1/acme/band-2/up", "x", qos: 1, id: 1), [0x40, 3, 0, 1, 0x87]), // PUBACK
            (Bytes.Publish(5, "t1/acme/band-2/up", "x", qos: 2, id: 2), [0x50, 3, 0, 2, 0x87]), // PUBREC
            ([0x62, 2, 0, 3], [0x70, 3, 0, 3, 0x92]), // PUBCOMP
            ([0x50, 2, 0, 4], [0x62, 3, 0, 4, 0x92]), // PUBREL
            (Bytes.Subscribe(5, 5, "t1/#"), [0x90, 4, 0, 5, 0, 0x87]), // SUBACK
            (Bytes.Unsubscribe(5, 6, "lab/none"), [0xB0, 4, 0, 6, 0, 0x11]), // UNSUBACK
        ];
        foreach ((byte[] sent, byte[] answer) in exchanges)
        {
            await client.SendAsync(sent);
            await client.ExpectAsync(answer);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [Statement(V5, "MQTT-3.1.2-28")]
    public async Task Connack_NeverHasResponseInformation(byte requested)
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        connect.Properties = [0x19, requested];

        await client.SendAsync(connect.ToArray());

        Assert.DoesNotContain((byte)0x1A, await client.ReadPacketAsync());
    }
}
