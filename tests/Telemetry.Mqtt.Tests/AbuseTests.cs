namespace Telemetry.Mqtt.Tests;

/// <summary>Peers who mean no good: nobody else notices, nothing is left behind.</summary>
public class AbuseTests
{
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Garbage_OnManySockets_EndsEachAndStarvesNobody(int seed)
    {
        Random random = new(seed);
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient device = await host.ConnectAsync();

        for (int i = 0; i < 40; i++)
        {
            await using WireClient client = i % 2 == 0 ? await host.OpenAsync() : await host.ConnectAsync($"band-{i + 10}");
            byte[] garbage = new byte[random.Next(1, 600)];
            random.NextBytes(garbage);
            await client.SendAsync(garbage);
        }

        await device.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 1));
        await device.ExpectAsync(0x40, 2, 0, 1);
        Assert.Equal("batch"u8.ToArray(), host.Ingest.Submitted[^1].Batch);
        Assert.Equal(0, host.Endpoint.Counters.Ended(EndReasons.InternalError));
    }

    [Fact]
    public async Task HalfOpenConnections_FiveThousand_AreClosedInTimeAndDoNotStopADevice()
    {
        const int HalfOpen = 5_000;
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        List<WireClient> halfOpen = [];
        for (int i = 0; i < HalfOpen; i++)
        {
            WireClient client = await host.OpenAsync();
            await client.SendAsync(0x10, 0x20, 0x00);
            halfOpen.Add(client);
        }

        while (Volatile.Read(ref host.Endpoint.Counters.Connections) < HalfOpen) await Task.Yield();
        await using WireClient device = await host.ConnectAsync();
        await device.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 1));
        await device.ExpectAsync(0x40, 2, 0, 1);
        time.Advance(TimeSpan.FromSeconds(11));

        foreach (WireClient client in halfOpen) await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.ConnectTimeout, HalfOpen);
        await device.ExpectNothingAsync();
        Assert.Equal((1, 1), (host.Endpoint.Counters.Connections, host.Endpoint.Sessions.Count));
        foreach (WireClient client in halfOpen) await client.DisposeAsync();
    }

    [Fact]
    public async Task Connect_AnnouncingALargePacketBeforeAuthentication_IsRefusedUnread()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();

        await client.SendAsync([0x10, .. Bytes.Length(200_000)]);

        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.PacketTooLarge);
    }

    [Fact]
    public async Task Packets_ArrivingByteByByte_AreReadTheSame()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        byte[] all = [.. ConnectBytes.Of("band-1").ToArray(), .. Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 5), 0xC0, 0];

        foreach (byte one in all) await client.SendAsync(one);

        Assert.Equal(0x20, (await client.ReadPacketAsync())[0]);
        byte[][] answers = [await client.ReadPacketAsync(), await client.ReadPacketAsync()];
        Assert.Contains(answers, answer => answer.SequenceEqual(new byte[] { 0x40, 2, 0, 5 }));
        Assert.Contains(answers, answer => answer.SequenceEqual(new byte[] { 0xD0, 0 }));
    }
}
