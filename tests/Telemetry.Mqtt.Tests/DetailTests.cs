using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>Statements of detail that the other classes do not come across.</summary>
public class DetailTests
{
    private static readonly MqttEndpointOptions LabOn = new() { Lab = new LabOptions() };

    [Theory]
    [InlineData("C2", "0001 78 0001 79")] // password announced, not there
    [InlineData("82", "0001 78")] // user name announced, not there
    [InlineData("06", "0001 78 0001 79")] // will payload announced, not there
    [InlineData("02", "0001 78 0001 79")] // user name there, not announced
    [Statement(V5, "MQTT-3.1.2-16")]
    [Statement(V5, "MQTT-3.1.2-17")]
    [Statement(V5, "MQTT-3.1.2-18")]
    [Statement(V5, "MQTT-3.1.2-19")]
    [Statement(V5, "MQTT-3.1.3-1")]
    [Statement(V5, "MQTT-3.1.3-3")]
    [Statement(V311, "MQTT-3.1.2-18")]
    [Statement(V311, "MQTT-3.1.2-19")]
    [Statement(V311, "MQTT-3.1.2-20")]
    [Statement(V311, "MQTT-3.1.2-21")]
    [Statement(V311, "MQTT-3.1.3-1")]
    [Statement(V311, "MQTT-3.1.3-3")]
    public async Task Connect_FieldsAndFlagsDisagree_Closes(string flags, string fields)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        byte[] rest = Convert.FromHexString(fields.Replace(" ", "", StringComparison.Ordinal));

        await client.SendAsync(Bytes.Packet(0x10, [.. Bytes.Text("MQTT"), 4, Convert.FromHexString(flags)[0], 0, 0, .. rest]));

        await client.ExpectClosedAsync();
        Assert.Equal(1, host.Endpoint.Counters.Ended(EndReasons.Truncated) + host.Endpoint.Counters.Ended(EndReasons.TrailingBytes));
    }

    [Theory]
    [InlineData("\uFEFFband")]
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")]
    [InlineData("Grüße / 日本")]
    [Statement(V5, "MQTT-1.5.4-3")]
    [Statement(V5, "MQTT-3.1.3-2")]
    [Statement(V5, "MQTT-3.1.3-5")]
    [Statement(V311, "MQTT-1.5.3-3")]
    [Statement(V311, "MQTT-3.1.3-2")]
    [Statement(V311, "MQTT-3.1.3-5")]
    public async Task Connect_AnyClientId_NamesTheSession(string clientId)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        void Keep(ConnectBytes connect) => (connect.ClientId, connect.CleanStart) = (clientId, false);
        await using (WireClient first = await host.ConnectAsync(version: 4, change: Keep)) Assert.False(first.IsSessionPresent);
        await host.EndedAsync(EndReasons.ConnectionLost);

        await using WireClient plain = await host.ConnectAsync(version: 4, change: connect => (connect.ClientId, connect.CleanStart) = (clientId + "x", false));
        await using WireClient second = await host.ConnectAsync(version: 4, change: Keep);

        Assert.False(plain.IsSessionPresent);
        Assert.True(second.IsSessionPresent);
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.3-6")]
    [Statement(V311, "MQTT-3.1.4-3")]
    public async Task Connect_TwoEmptyClientIdsV311_AreTwoSessions()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient one = await host.ConnectAsync(version: 4, change: connect => connect.ClientId = "");
        await using WireClient two = await host.ConnectAsync(version: 4, change: connect => connect.ClientId = "");

        await one.ExpectNothingAsync();
        await two.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.2.2-19")]
    [Statement(V5, "MQTT-3.1.3-12")]
    [Statement(V311, "MQTT-3.1.3-11")]
    public async Task Connect_RefusedToAClientOfSmallPackets_HasNoReasonString()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        (connect.Password, connect.Properties) = ("wrong", [0x27, 0, 0, 0, 20]);

        await client.SendAsync(connect.ToArray());

        await client.ExpectAsync(0x20, 3, 0, 0x86, 0);
    }

    [Fact]
    [Statement(V5, "MQTT-3.14.2-1")]
    [Statement(V5, "MQTT-3.14.2-2")]
    [Statement(V5, "MQTT-3.14.2-3")]
    public async Task Disconnect_ToAClientOfSmallPackets_HasNoReasonString()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Properties = [0x27, 0, 0, 0, 30]);

        await client.SendAsync(0xC1, 0);

        await client.ExpectAsync(0xE0, 1, 0x81);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-3.8.4-5")]
    [Statement(V5, "MQTT-3.9.3-1")]
    [Statement(V5, "MQTT-3.10.3-1")]
    [Statement(V5, "MQTT-3.10.4-6")]
    [Statement(V5, "MQTT-3.11.3-1")]
    [Statement(V5, "MQTT-2.2.2-1")]
    [Statement(V311, "MQTT-3.8.3-1")]
    [Statement(V311, "MQTT-3.8.4-4")]
    [Statement(V311, "MQTT-3.9.3-1")]
    [Statement(V311, "MQTT-3.10.3-1")]
    [Statement(V311, "MQTT-3.10.4-6")]
    public async Task Subscribe_ManyFilters_OneAnswerInTheirOrder(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync(version: version);
        byte[] none = version == 5 ? [0] : [];

        await client.SendAsync(Bytes.Packet(0x82, [0, 1, .. none, .. Bytes.Text("lab/a"), 2, .. Bytes.Text("t1/#"), 1, .. Bytes.Text("lab/b"), 0, .. Bytes.Text("lab/c"), 1]));
        await client.ExpectAsync(version == 5 ? [0x90, 7, 0, 1, 0, 2, 0x87, 0, 1] : [0x90, 6, 0, 1, 2, 0x80, 0, 1]);
        await client.SendAsync(Bytes.Packet(0xA2, [0, 2, .. none, .. Bytes.Text("lab/b"), .. Bytes.Text("lab/x"), .. Bytes.Text("lab/c")]));

        await client.ExpectAsync(version == 5 ? [0xB0, 6, 0, 2, 0, 0, 0x11, 0] : [0xB0, 2, 0, 2]);
    }

    [Fact]
    [Statement(V5, "MQTT-4.3.2-5")]
    public async Task Publish_Qos1IdentifierUsedAgain_IsANewMessage()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        for (int i = 0; i < 2; i++)
        {
            await client.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 5, dup: true));
            await client.ExpectAsync(0x40, 2, 0, 5);
        }

        Assert.Equal(2, host.Ingest.Submitted.Count);
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.1-3")]
    [Statement(V5, "MQTT-4.3.3-3")]
    [Statement(V5, "MQTT-4.6.0-6")]
    [Statement(V5, "MQTT-4.3.2-1")]
    [Statement(V5, "MQTT-4.3.2-3")]
    [Statement(V5, "MQTT-4.3.3-1")]
    [Statement(V311, "MQTT-2.3.1-4")]
    [Statement(V311, "MQTT-3.3.1-3")]
    [Statement(V311, "MQTT-3.3.2-3")]
    [Statement(V311, "MQTT-4.3.1-1")]
    [Statement(V311, "MQTT-4.3.2-1")]
    [Statement(V311, "MQTT-4.6.0-1")]
    [Statement(V311, "MQTT-4.6.0-5")]
    [Statement(V311, "MQTT-4.6.0-6")]
    public async Task Delivery_NotAcknowledged_IsSentAgainInOrderUnderItsIdentifiers()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        void Keep(ConnectBytes connect) => connect.CleanStart = false;
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using (WireClient first = await host.ConnectAsync(version: 4, change: Keep))
        {
            await first.SendAsync(Bytes.Subscribe(4, 1, "lab/x", 2));
            await first.ReadPacketAsync();
            await publisher.SendAsync([.. Bytes.Publish(5, "lab/x", "1", 1, id: 1, dup: true), .. Bytes.Publish(5, "lab/x", "2", 2, id: 2), .. Bytes.Publish(5, "lab/x", "3", 1, id: 3)]);
            await first.ExpectAsync(Bytes.Publish(4, "lab/x", "1", 1, id: 1));
            await first.ExpectAsync(Bytes.Publish(4, "lab/x", "2", 2, id: 2));
            await first.ExpectAsync(Bytes.Publish(4, "lab/x", "3", 1, id: 3));
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient second = await host.ConnectAsync(version: 4, change: Keep);

        await second.ExpectAsync(Bytes.Publish(4, "lab/x", "1", 1, id: 1, dup: true));
        await second.ExpectAsync(Bytes.Publish(4, "lab/x", "2", 2, id: 2, dup: true));
        await second.ExpectAsync(Bytes.Publish(4, "lab/x", "3", 1, id: 3, dup: true));
    }

    [Fact]
    [Statement(V5, "MQTT-3.10.4-3")]
    [Statement(V311, "MQTT-3.10.4-3")]
    [Statement(V311, "MQTT-3.3.4-1")]
    public async Task Unsubscribe_InTheMiddleOfADelivery_CompletesIt()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using WireClient client = await host.ConnectAsync(version: 4);
        await client.SendAsync(Bytes.Subscribe(4, 1, "lab/x", 2));
        await client.ReadPacketAsync();
        await publisher.SendAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 2));
        await client.ReadPacketAsync();

        await client.SendAsync(Bytes.Unsubscribe(4, 3, "lab/x"));
        await client.ExpectAsync(0xB0, 2, 0, 3);
        await client.SendAsync(0x50, 2, 0, 1);

        await client.ExpectAsync(0x62, 2, 0, 1);
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.2-7")]
    [Statement(V311, "MQTT-3.1.2-12")]
    [Statement(V311, "MQTT-3.3.1-7")]
    public async Task Retained_SessionOfThePublisherEnds_StaysAndNoWillIsMade()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync(version: 4);
        await using (WireClient publisher = await host.ConnectAsync("band-2", version: 4))
        {
            await publisher.SendAsync([.. Bytes.Publish(4, "lab/x", "old", 1, id: 1, retain: true), .. Bytes.Publish(4, "lab/x", "kept", 0, retain: true), 0xC0, 0]);
            await publisher.ReadPacketAsync();
            await publisher.ReadPacketAsync();
            publisher.Break();
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await client.SendAsync(Bytes.Subscribe(4, 1, "lab/#", 1));
        await client.ReadPacketAsync();

        await client.ExpectAsync(Bytes.Publish(4, "lab/x", "kept", 0, retain: true));
        await client.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V311, "MQTT-3.3.5-1")]
    public async Task Subscribe_OverlappingFiltersV311_HighestQosOfThem()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync(version: 4);
        foreach ((string filter, byte qos) in new[] { ("lab/#", (byte)0), ("lab/x", (byte)2), ("lab/+", (byte)1) })
        {
            await client.SendAsync(Bytes.Subscribe(4, 1, filter, qos));
            await client.ReadPacketAsync();
        }

        await client.SendAsync(Bytes.Publish(4, "lab/x", "x", 2, id: 1));

        byte[][] got = [await client.ReadPacketAsync(), await client.ReadPacketAsync()];
        Assert.Contains(got, packet => packet.SequenceEqual(Bytes.Publish(4, "lab/x", "x", 2, id: 1)));
    }

    [Fact]
    [Statement(V5, "MQTT-3.5.2-1")]
    [Statement(V5, "MQTT-3.5.2-2")]
    [Statement(V5, "MQTT-3.6.2-1")]
    [Statement(V5, "MQTT-3.7.2-1")]
    public async Task Pubrec_UnknownIdentifierFromTheClient_IsAnsweredWithPubrel0x92()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(0x50, 2, 0, 44);

        await client.ExpectAsync(0x62, 3, 0, 44, 0x92);
    }

    [Fact]
    [Statement(V5, "MQTT-4.8.2-4")]
    public async Task SharedSubscription_BrokenInTheMiddleOfQos2_IsCompletedWithTheSameMember()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        void Keep(ConnectBytes connect) => (connect.CleanStart, connect.Properties) = (false, [0x11, 0, 0, 0, 60]);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using (WireClient first = await host.ConnectAsync(change: Keep))
        {
            await first.SendAsync(Bytes.Subscribe(5, 1, "$share/s/lab/x", 2));
            await first.ReadPacketAsync();
            await publisher.SendAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 2));
            await first.ReadPacketAsync();
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient second = await host.ConnectAsync(change: Keep);

        await second.ExpectAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 1, dup: true));
    }

    [Fact]
    [Statement(V5, "MQTT-4.8.2-5")]
    public async Task SharedSubscription_SessionEndsInTheMiddleOfQos2_NobodyElseGetsIt()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using WireClient other = await host.ConnectAsync("band-3");
        await using (WireClient first = await host.ConnectAsync())
        {
            await first.SendAsync(Bytes.Subscribe(5, 1, "$share/s/lab/x", 2));
            await first.ReadPacketAsync();
            await publisher.SendAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 2));
            await first.ExpectAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 1));
            await other.SendAsync(Bytes.Subscribe(5, 1, "$share/s/lab/x", 2));
            await other.ReadPacketAsync();
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await other.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-4.3.3-7")]
    public async Task Delivery_ExpiredAfterItWasSent_IsStillSentAgain()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(LabOn, time);
        void Keep(ConnectBytes connect) => (connect.CleanStart, connect.Properties) = (false, [0x11, 0, 0, 0, 60]);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using (WireClient first = await host.ConnectAsync(change: Keep))
        {
            await first.SendAsync(Bytes.Subscribe(5, 1, "lab/x", 2));
            await first.ReadPacketAsync();
            await publisher.SendAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 2, properties: [0x02, 0, 0, 0, 5]));
            Assert.Equal(0x34, (await first.ReadPacketAsync())[0]);
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        time.Advance(TimeSpan.FromSeconds(10));
        await using WireClient second = await host.ConnectAsync(change: Keep);

        Assert.Equal(0x3C, (await second.ReadPacketAsync())[0]); // PUBLISH, QoS 2, DUP
    }

    [Fact]
    [Statement(V5, "MQTT-4.3.3-13")]
    public async Task Publish_Qos2ExpiredBeforeItsRelease_IsCompleted()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(LabOn, time);
        await using WireClient publisher = await host.ConnectAsync();

        await publisher.SendAsync(Bytes.Publish(5, "lab/x", "1", 2, id: 2, properties: [0x02, 0, 0, 0, 5]));
        byte[] pubrec = await publisher.ReadPacketAsync();
        Assert.Equal([0x50, 0, 2], [pubrec[0], pubrec[2], pubrec[3]]);
        time.Advance(TimeSpan.FromSeconds(10));
        await publisher.SendAsync(0x62, 2, 0, 2);

        await publisher.ExpectAsync(0x70, 2, 0, 2);
    }

    [Fact]
    [Statement(V311, "MQTT-4.1.0-1")]
    [Statement(V311, "MQTT-4.1.0-2")]
    public async Task Session_CleanV311_LastsAsLongAsItsConnection()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(LabOn, time);
        await using WireClient publisher = await host.ConnectAsync("band-2", version: 4);
        await using WireClient client = await host.ConnectAsync(version: 4);
        await client.SendAsync(Bytes.Subscribe(4, 1, "lab/x", 0));
        await client.ReadPacketAsync();

        time.Advance(TimeSpan.FromDays(30));
        await publisher.SendAsync(Bytes.Publish(4, "lab/x", "1", 0));

        await client.ExpectAsync(Bytes.Publish(4, "lab/x", "1", 0));
    }
}
