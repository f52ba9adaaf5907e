using System.Text;
using Telemetry.Mqtt.Connections;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>A fleet that is sent away comes back evenly, at the rate the collector takes.</summary>
public class ReconnectSlotsTests
{
    [Fact]
    public void Next_ForAFleetAtOnce_IsSpacedByTheRate()
    {
        ReconnectSlots slots = new(perSecond: 500);
        int[] told = [.. Enumerable.Range(0, 10_000).Select(_ => slots.Next(nowMs: 7_000))];

        Assert.Equal([2_000, 2_002, 2_004, 2_006], told[..4]);
        Assert.Equal(2_000 + (2 * 9_999), told[^1]);
    }

    [Fact]
    public void Next_AfterAPause_BeginsAnew()
    {
        ReconnectSlots slots = new(perSecond: 1);
        for (int i = 0; i < 5; i++) slots.Next(nowMs: 0);

        Assert.Equal(5_000, slots.Next(nowMs: 2_000));
        Assert.Equal(2_000, slots.Next(nowMs: 60_000));
    }

    [Fact]
    public void Next_BeyondTheFarthest_GivesSlotsOutAgain()
    {
        ReconnectSlots slots = new(perSecond: 1);
        int[] told = [.. Enumerable.Range(0, 2_000).Select(_ => slots.Next(nowMs: 0))];

        Assert.All(told, slot => Assert.InRange(slot, ReconnectSlots.LeastMs, ReconnectSlots.MostMs));
        Assert.InRange(told.CountBy(slot => slot).Max(one => one.Value), 1, 4);
    }

    [Fact]
    public async Task Stop_TellsEachConnectionItsSlot()
    {
        MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { ReconnectsPerSecond = 10 }, new ManualTime());
        await using WireClient first = await host.ConnectAsync("band-1");
        await using WireClient second = await host.ConnectAsync("band-2");
        await host.DisposeAsync();

        byte[][] goodbyes = [await first.ReadPacketAsync(), await second.ReadPacketAsync()];
        Assert.All(goodbyes, packet => Assert.Equal(0x8B, Bytes.Body(packet)[0]));
        Assert.Equal(["2000", "2100"], goodbyes.Select(packet => Encoding.UTF8.GetString(packet)[^4..]).Order());
        Assert.All(goodbyes, packet => Assert.True(packet.AsSpan().IndexOf("slot-ms"u8) > 0));
    }

    [Fact]
    public async Task Connack_NamesTheWindowToADeviceThatHasRoomForIt()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.ReconnectWindowMs = 345_678;
        await using WireClient client = await host.OpenAsync();
        await client.SendAsync(ConnectBytes.Of("band-1").ToArray());
        Assert.Equal([0x26, .. Bytes.Text("window-ms"), .. Bytes.Text("345678")], (await client.ReadPacketAsync())[^20..]);

        await using WireClient small = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-2");
        connect.Properties = [0x27, 0, 0, 0, 35];
        await small.SendAsync(connect.ToArray());
        byte[] connack = await small.ReadPacketAsync();
        Assert.Equal(0, connack[3]);
        Assert.InRange(connack.Length, 5, 35);
        Assert.True(connack.AsSpan().IndexOf("window-ms"u8) < 0);

        await using WireClient old = await host.OpenAsync();
        await old.SendAsync(ConnectBytes.Of("band-3", version: 4).ToArray());
        await old.ExpectAsync(0x20, 2, 0, 0);
    }

    [Fact]
    [Statement(V5, "MQTT-3.2.2-20")]
    [Statement(V5, "MQTT-3.14.2-4")]
    public async Task Slot_LargerThanTheClientTakes_IsLeftOut()
    {
        MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { MaxConnections = 1 });
        await using WireClient first = await host.ConnectAsync("band-1", change: connect => connect.Properties = [0x27, 0, 0, 0, 30]);
        await using WireClient second = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-2");
        connect.Properties = [0x27, 0, 0, 0, 20];
        await second.SendAsync(connect.ToArray());

        await second.ExpectAsync(0x20, 3, 0, 0x89, 0);
        await second.ExpectClosedAsync();
        await host.DisposeAsync();
        await first.ExpectAsync(0xE0, 1, 0x8B);
    }
}
