using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>What outlives a connection, and what ends with it: sections 3.1.2, 3.1.4, 3.12, 3.14 and 4.1.</summary>
public class SessionTests
{
    private const string Life = "t1/acme/band-1/life";
    private const string Down = "t1/acme/band-1/down";

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.12.4-1")]
    [Statement(V311, "MQTT-3.12.4-1")]
    public async Task Pingreq_IsAnswered(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(0xC0, 0);

        await client.ExpectAsync(0xD0, 0);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.1.2-22")]
    [Statement(V5, "MQTT-3.1.2-8")]
    [Statement(V311, "MQTT-3.1.2-24")]
    [Statement(V311, "MQTT-3.1.2-8")]
    public async Task KeepAlive_SilentForOneAndAHalf_ClosesAndSendsTheWill(byte version)
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        await using WireClient client = await host.ConnectAsync(version: version, change: connect => (connect.KeepAlive, connect.Will) = (10, (Life, "lost")));

        time.Advance(TimeSpan.FromSeconds(14));
        await client.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(14));
        await client.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(16));

        if (version == 5) await client.ExpectDisconnectAsync(0x8D);
        else await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.KeepAliveTimeout);
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        Assert.Equal([("acme/band-1", "lost")], host.Ingest.Lives);
    }

    [Fact]
    [Statement(V5, "MQTT-3.2.2-22")]
    public async Task KeepAlive_Zero_NeverCloses()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        await using WireClient client = await host.ConnectAsync();

        time.Advance(TimeSpan.FromMinutes(5));

        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.1.2-7")]
    [Statement(V5, "MQTT-3.1.2-9")]
    [Statement(V311, "MQTT-3.1.2-9")]
    public async Task Will_ConnectionBreaks_IsSent(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version, change: connect => connect.Will = (Life, "lost"));

        client.Break();

        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        Assert.Equal([("acme/band-1", "lost")], host.Ingest.Lives);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.14.4-3")]
    [Statement(V5, "MQTT-3.1.2-10")]
    [Statement(V311, "MQTT-3.14.4-3")]
    [Statement(V311, "MQTT-3.1.2-10")]
    public async Task Will_Disconnect_IsDiscarded(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version, change: connect => connect.Will = (Life, "lost"));

        await client.SendAsync(0xE0, 0);

        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.ClientDisconnected);
        Assert.Empty(host.Ingest.Lives);
    }

    [Fact]
    public async Task Will_DisconnectWithWillMessage_IsSent()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Will = (Life, "asleep"));

        await client.SendAsync(0xE0, 1, 4);

        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        Assert.Equal([("acme/band-1", "asleep")], host.Ingest.Lives);
    }

    [Fact]
    public async Task Will_WithDelay_WaitsForIt()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        await using WireClient client = await host.ConnectAsync(change: WithDelayedWill);

        client.Break();
        await host.EndedAsync(EndReasons.ConnectionLost);
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Empty(host.Ingest.Lives);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal([("acme/band-1", "lost")], host.Ingest.Lives);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.3-9")]
    public async Task Will_ReconnectWithinTheDelay_IsNeverSent()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        await using WireClient client = await host.ConnectAsync(change: WithDelayedWill);

        client.Break();
        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient next = await host.ConnectAsync(change: connect => connect.CleanStart = false);
        time.Advance(TimeSpan.FromSeconds(60));

        Assert.True(next.IsSessionPresent);
        Assert.Empty(host.Ingest.Lives);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.1.4-3")]
    [Statement(V311, "MQTT-3.1.4-2")]
    public async Task Connect_SameClientId_TakesOver(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient older = await host.ConnectAsync(version: version);
        await using WireClient newer = await host.ConnectAsync(version: version);

        if (version == 5) await older.ExpectDisconnectAsync(0x8E);
        else await older.ExpectClosedAsync();
        await newer.ExpectNothingAsync();
        await host.EndedAsync(EndReasons.SessionTakenOver);
    }

    [Fact]
    public async Task Connect_SameClientIdOfAnotherDevice_TakesNothingOver()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient first = await host.ConnectAsync("band-1", change: connect => connect.ClientId = "x");
        await using WireClient second = await host.ConnectAsync("band-2", change: connect => connect.ClientId = "x");

        await first.ExpectNothingAsync();
        await second.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-5")]
    [Statement(V5, "MQTT-3.1.2-23")]
    [Statement(V5, "MQTT-3.2.2-3")]
    [Statement(V5, "MQTT-4.1.0-1")]
    [Statement(V5, "MQTT-4.1.0-2")]
    public async Task Session_WithExpiry_IsKeptUntilThenAndNoLonger()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        void Keep(ConnectBytes connect) => (connect.CleanStart, connect.Properties) = (false, [0x11, 0, 0, 0, 60]);

        await using (WireClient first = await host.ConnectAsync(change: Keep)) Assert.False(first.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost, 1);
        time.Advance(TimeSpan.FromSeconds(50));
        await using (WireClient second = await host.ConnectAsync(change: Keep)) Assert.True(second.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost, 2);
        time.Advance(TimeSpan.FromSeconds(70));
        await using WireClient third = await host.ConnectAsync(change: Keep);

        Assert.False(third.IsSessionPresent);
        Assert.Equal(1, host.Endpoint.Sessions.Count);
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.2-4")]
    [Statement(V311, "MQTT-3.1.2-6")]
    [Statement(V311, "MQTT-3.2.2-2")]
    [Statement(V311, "MQTT-3.2.2-3")]
    [Statement(V5, "MQTT-3.1.2-4")]
    [Statement(V5, "MQTT-3.1.2-6")]
    [Statement(V5, "MQTT-3.1.4-4")]
    public async Task Session_CleanSession_DiscardsWhatWasKept()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using (WireClient first = await host.ConnectAsync(version: 4, change: connect => connect.CleanStart = false)) Assert.False(first.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost, 1);
        await using (WireClient second = await host.ConnectAsync(version: 4, change: connect => connect.CleanStart = false)) Assert.True(second.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost, 2);
        await using (WireClient third = await host.ConnectAsync(version: 4)) Assert.False(third.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost, 3);
        await using WireClient fourth = await host.ConnectAsync(version: 4, change: connect => connect.CleanStart = false);

        Assert.False(fourth.IsSessionPresent);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.8.4-1")]
    [Statement(V5, "MQTT-3.8.4-2")]
    [Statement(V5, "MQTT-3.8.4-6")]
    [Statement(V5, "MQTT-2.2.1-6")]
    [Statement(V311, "MQTT-3.8.4-1")]
    [Statement(V311, "MQTT-3.8.4-2")]
    [Statement(V311, "MQTT-3.8.4-5")]
    [Statement(V311, "MQTT-2.3.1-7")]
    [Statement(V311, "MQTT-3.3.1-8")]
    public async Task Subscribe_OwnDown_GetsTheCommandOfNowAndTheNextOnes(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(Bytes.Subscribe(version, 9, Down, options: 2));
        await client.ExpectAsync(version == 5 ? [0x90, 4, 0, 9, 0, 1] : [0x90, 3, 0, 9, 1]);
        await client.ExpectAsync(Bytes.Publish(version, Down, "command 1", id: 1, retain: true));
        await client.SendAsync(0x40, 2, 0, 1);
        host.Ingest.ChangeCommand("acme/band-1", "command 2");

        await client.ExpectAsync(Bytes.Publish(version, Down, "command 2", id: 2));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Command_AcknowledgedByTheDevice_IsTold(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        await using WireClient client = await host.ConnectAsync(version: version);
        await client.SendAsync(Bytes.Subscribe(version, 9, Down));
        await client.ReadPacketAsync();
        await client.ReadPacketAsync();
        await client.SendAsync(0xC0, 0);
        await client.ExpectAsync(0xD0, 0);
        Assert.Empty(host.Ingest.AcknowledgedCommands);

        await client.SendAsync(0x40, 2, 0, 1, 0xC0, 0);
        await client.ExpectAsync(0xD0, 0);
        (_, byte[] command) = Assert.Single(host.Ingest.AcknowledgedCommands);
        Assert.Equal("command 1"u8.ToArray(), command);
    }

    [Fact]
    public async Task Command_ManyWhileTheClientIsSlow_OnlyTheNewestFollows()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Properties = [0x21, 0, 1]);
        await client.SendAsync(Bytes.Subscribe(5, 9, Down));
        await client.ReadPacketAsync();
        await client.ReadPacketAsync();

        for (int i = 2; i < 20; i++) host.Ingest.ChangeCommand("acme/band-1", $"command {i}");
        await client.ExpectNothingAsync();
        await client.SendAsync(0x40, 2, 0, 1);

        await client.ExpectAsync(Bytes.Publish(5, Down, "command 19", id: 2));
    }

    [Fact]
    [Statement(V5, "MQTT-4.4.0-1")]
    [Statement(V5, "MQTT-3.3.1-1")]
    [Statement(V311, "MQTT-4.4.0-1")]
    [Statement(V311, "MQTT-3.3.1-1")]
    public async Task Command_NotAcknowledged_IsSentAgainToTheResumedSession()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Commands["acme/band-1"] = "command 1";
        void Keep(ConnectBytes connect) => connect.CleanStart = false;
        await using (WireClient first = await host.ConnectAsync(version: 4, change: Keep))
        {
            await first.SendAsync(Bytes.Subscribe(4, 9, Down));
            await first.ReadPacketAsync();
            await first.ReadPacketAsync();
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        Assert.Equal(0, host.Ingest.WatchersOf("acme/band-1"));
        await using WireClient second = await host.ConnectAsync(version: 4, change: Keep);

        await second.ExpectAsync(Bytes.Publish(4, Down, "command 1", id: 1, retain: true, dup: true));
        await second.ExpectAsync(Bytes.Publish(4, Down, "command 1", id: 2));
        Assert.Equal(1, host.Ingest.WatchersOf("acme/band-1"));
    }

    [Theory]
    [InlineData(5, "t1/acme/band-2/down", 0x87)]
    [InlineData(5, "t1/#", 0x87)]
    [InlineData(5, "t1/acme/band-1/up", 0x87)]
    [InlineData(5, "elsewhere", 0x80)]
    [InlineData(5, "$share/s/t1/acme/band-1/down", 0x9E)]
    [InlineData(4, "t1/acme/band-2/down", 0x80)]
    [Statement(V5, "MQTT-3.8.4-7")]
    [Statement(V5, "MQTT-3.9.3-2")]
    [Statement(V311, "MQTT-3.9.3-2")]
    public async Task Subscribe_ForeignTopic_IsRefused(byte version, string filter, byte code)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(Bytes.Subscribe(version, 9, filter));

        await client.ExpectAsync(version == 5 ? [0x90, 4, 0, 9, 0, code] : [0x90, 3, 0, 9, code]);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.10.4-1")]
    [Statement(V5, "MQTT-3.10.4-2")]
    [Statement(V5, "MQTT-3.10.4-4")]
    [Statement(V5, "MQTT-3.10.4-5")]
    [Statement(V5, "MQTT-3.11.3-2")]
    [Statement(V311, "MQTT-3.10.4-1")]
    [Statement(V311, "MQTT-3.10.4-2")]
    [Statement(V311, "MQTT-3.10.4-4")]
    [Statement(V311, "MQTT-3.10.4-5")]
    public async Task Unsubscribe_StopsTheCommandsAndIsAnsweredEvenTwice(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);
        await client.SendAsync(Bytes.Subscribe(version, 9, Down));
        await client.ReadPacketAsync();

        await client.SendAsync(Bytes.Unsubscribe(version, 10, Down));
        await client.ExpectAsync(version == 5 ? [0xB0, 4, 0, 10, 0, 0] : [0xB0, 2, 0, 10]);
        host.Ingest.ChangeCommand("acme/band-1", "command");
        await client.SendAsync(Bytes.Unsubscribe(version, 11, Down));

        await client.ExpectAsync(version == 5 ? [0xB0, 4, 0, 11, 0, 0x11] : [0xB0, 2, 0, 11]);
        Assert.Equal(0, host.Ingest.WatchersOf("acme/band-1"));
    }

    [Fact]
    public async Task Subscribe_AboveTheLimit_IsRefused0x97()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { MaxSubscriptions = 1 });
        await using WireClient hub = await host.ConnectAsync("hub-1");

        await hub.SendAsync(Bytes.Subscribe(5, 1, "t1/acme/band-1/down"));
        await hub.ExpectAsync(0x90, 4, 0, 1, 0, 1);
        await hub.SendAsync(Bytes.Subscribe(5, 2, "t1/acme/band-2/down"));

        await hub.ExpectAsync(0x90, 4, 0, 2, 0, 0x97);
    }

    private static void WithDelayedWill(ConnectBytes connect)
    {
        connect.Properties = [0x11, 0, 0, 0, 60];
        connect.Will = (Life, "lost");
        connect.WillProperties = [0x18, 0, 0, 0, 5];
    }

    [Theory]
    [InlineData(4, 0, 320)] // has no word for it
    [InlineData(5, 0, 4_096)]
    [InlineData(5, 300, 300 - 18 - 19)] // topic, and what stands around it
    [InlineData(5, 20, 0)]
    [Statement(V5, "MQTT-3.1.2-24")]
    public async Task Subscribe_ToItsDown_AsksForACommandThatTheClientReads(byte version, int maximumPacketSize, int expected)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync("band-1", version, connect =>
        {
            if (maximumPacketSize > 0) connect.Properties = [0x27, 0, 0, (byte)(maximumPacketSize >> 8), (byte)maximumPacketSize];
        });
        await client.SendAsync(Bytes.Subscribe(version, 1, "t1/acme/band-1/down"));
        Assert.Equal(0x90, (await client.ReadPacketAsync())[0]);
        await client.SendAsync(0xC0, 0);
        await client.ExpectAsync(0xD0, 0);
        Assert.Equal([expected], host.Ingest.CommandLimits);
    }
}
