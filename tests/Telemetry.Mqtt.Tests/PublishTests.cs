using System.Text;
using Telemetry.Wire.Ingest;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

public class PublishTests
{
    private const string Up = "t1/acme/band-1/up";

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-4.3.2-2")]
    [Statement(V5, "MQTT-4.3.2-4")]
    [Statement(V5, "MQTT-3.3.4-1")]
    [Statement(V5, "MQTT-2.2.1-5")]
    [Statement(V311, "MQTT-2.3.1-6")]
    public async Task Publish_Qos1_AcknowledgedOnlyAfterTheFlush(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(Bytes.Publish(version, Up, "batch", id: 7));
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        await client.ExpectNothingAsync();
        host.Ingest.MakeDurable(1);

        await client.ExpectAsync(0x40, 2, 0, 7);
        Assert.Equal(("acme/band-1", "batch"), (host.Ingest.Submitted[0].Device, Encoding.UTF8.GetString(host.Ingest.Submitted[0].Batch)));
    }

    [Fact]
    [Statement(V5, "MQTT-4.6.0-2")]
    public async Task Publish_ManyBehindOneFlush_AcknowledgedInOrderOfArrival()
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync();
        byte[] many = [.. Enumerable.Range(1, 200).SelectMany(id => Bytes.Publish(5, Up, $"batch {id}", id: (ushort)id))];

        await client.SendAsync(many);
        for (int i = 0; i < 200; i++) await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(200);

        for (int id = 1; id <= 200; id++) await client.ExpectAsync(0x40, 2, 0, (byte)id);
    }

    [Fact]
    public async Task Publish_FlushFails_ClosesWithoutAcknowledging()
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch"));
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(1, succeeds: false);

        await client.ExpectDisconnectAsync(0x88);
    }

    [Fact]
    public async Task Publish_OverloadedV5_IsRefused0x97AndTheSessionGoesOn()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, 500);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch", id: 9));

        byte[] puback = await client.ReadPacketAsync();
        Assert.Equal([0x40, 0, 9, 0x97], [puback[0], puback[2], puback[3], puback[4]]);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Publish_OverloadedV311_IsTriedAgainAndAcknowledgedLater()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        int attempts = 0;
        host.Ingest.Answer = _ => ++attempts < 3 ? new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, 500) : new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0);
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync(Bytes.Publish(4, Up, "batch", id: 9));
        Task<byte[]> puback = client.ReadPacketAsync();
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (!puback.IsCompleted)
        {
            limit.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal([0x40, 2, 0, 9], await puback);
        Assert.Equal(3, attempts);
        Assert.All(host.Ingest.Submitted, one => Assert.Equal("batch", Encoding.UTF8.GetString(one.Batch)));
    }
}
