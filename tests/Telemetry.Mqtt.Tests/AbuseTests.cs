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

    /// <summary>Whole sessions of both versions, one to three of their packets mutated, in two pieces. Replay: the seed is in the test's name.</summary>
    [Theory]
    [InlineData(4, 21)]
    [InlineData(5, 22)]
    [InlineData(5, 23)]
    public async Task Sessions_WithMutatedPackets_EndOrGoOnAndStarveNobody(byte version, int seed)
    {
        const int Rounds = 300;
        Random random = new(seed);
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { Lab = new LabOptions() });
        await using WireClient device = await host.ConnectAsync(version: version);
        for (int round = 0; round < Rounds; round++)
        {
            await using WireClient client = await host.OpenAsync();
            byte[][] packets = SessionOf("band-2", version);
            for (int faults = random.Next(1, 4); faults > 0; faults--)
            {
                int at = random.Next(random.Next(8) == 0 ? 0 : 1, packets.Length); // a broken CONNECT ends everything: one round in eight
                packets[at] = ParserTests.Mutate(packets[at], random);
            }

            byte[] bytes = [.. packets.SelectMany(packet => packet)];
            int cut = random.Next(bytes.Length);
            await client.SendAsync(bytes[..cut]);
            await client.SendWhileOpenAsync(bytes[cut..]);
            await device.SendAsync(Bytes.Publish(version, "t1/acme/band-1/up", "batch", id: 1));
            await device.ExpectAsync(0x40, 2, 0, 1);
        }

        Assert.Equal(Rounds, host.Ingest.Submitted.Count(one => one.Device == "acme/band-1"));
        Assert.Contains(host.Ingest.Submitted, one => one.Device == "acme/band-2");
        Assert.Equal(0, host.Endpoint.Counters.Ended(EndReasons.InternalError));
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (Volatile.Read(ref host.Endpoint.Counters.Connections) > 1)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
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

        await host.ExpectClosedAsync([0x10, .. Bytes.Length(200_000)], EndReasons.PacketTooLarge);
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

    /// <summary>One of each packet that a device sends, in an order that makes sense.</summary>
    private static byte[][] SessionOf(string device, byte version) =>
    [
        ConnectBytes.Of(device, version).ToArray(),
        Bytes.Publish(version, $"t1/acme/{device}/up", "first", id: 1),
        Bytes.Subscribe(version, 2, $"t1/acme/{device}/down"),
        Bytes.Subscribe(version, 3, "lab/+/x", 2),
        Bytes.Publish(version, "lab/a/x", "hello", qos: 2, id: 4, properties: [0x26, .. Bytes.Text("k"), .. Bytes.Text("v"), 0x23, 0, 1]),
        [0x62, 2, 0, 4],
        [0x50, 2, 0, 1],
        Bytes.Unsubscribe(version, 5, "lab/+/x"),
        [0xC0, 0],
        Bytes.Publish(version, $"t1/acme/{device}/up", "last", id: 6),
        [0xE0, 0],
    ];
}
