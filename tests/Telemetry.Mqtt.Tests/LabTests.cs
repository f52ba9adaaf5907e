using System.Text;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>The lab space relays as the standards say (sections 3.3.1, 3.8.4, 4.3 to 4.9) and is not there unless it was switched on.</summary>
public class LabTests
{
    private static readonly MqttEndpointOptions LabOn = new() { Lab = new LabOptions { AllowAnonymous = true } };

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 2, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 2, 2)]
    [Statement(V5, "MQTT-3.8.4-8")]
    [Statement(V5, "MQTT-4.3.1-1")]
    [Statement(V5, "MQTT-4.3.2-2")]
    [Statement(V5, "MQTT-4.3.3-2")]
    [Statement(V5, "MQTT-4.5.0-1")]
    [Statement(V5, "MQTT-3.3.2-3")]
    [Statement(V311, "MQTT-3.8.4-6")]
    [Statement(V311, "MQTT-4.5.0-1")]
    public async Task Publish_ToASubscriber_ArrivesWithTheLowerQos(int published, byte granted, int expected)
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient subscriber = await host.ConnectAsync("band-1", version: 4);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await SubscribeAsync(subscriber, 4, "lab/+/x", granted);

        await publisher.SendAsync(Bytes.Publish(5, "lab/a/x", "hello", published, id: 3));

        await subscriber.ExpectAsync(Bytes.Publish(4, "lab/a/x", "hello", expected, id: 1));
    }

    [Fact]
    [Statement(V5, "MQTT-4.3.3-4")]
    [Statement(V5, "MQTT-4.3.3-5")]
    [Statement(V5, "MQTT-4.3.3-6")]
    [Statement(V311, "MQTT-4.3.3-1")]
    public async Task Delivery_Qos2ReceivedThenBroken_ResumesWithPubrelOnly()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        void Keep(ConnectBytes connect) => connect.CleanStart = false;
        await using (WireClient first = await host.ConnectAsync(version: 4, change: Keep))
        {
            await SubscribeAsync(first, 4, "lab/x", 2);
            await first.SendAsync(Bytes.Publish(4, "lab/x", "hello", qos: 2, id: 9));
            await ExpectInAnyOrderAsync(first, [0x50, 2, 0, 9], Bytes.Publish(4, "lab/x", "hello", 2, id: 1));
            await first.SendAsync(0x50, 2, 0, 1);
            await first.ExpectAsync(0x62, 2, 0, 1);
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient second = await host.ConnectAsync(version: 4, change: Keep);
        await second.ExpectAsync(0x62, 2, 0, 1);
        await second.SendAsync(0x70, 2, 0, 1);

        await second.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.2-5")]
    [Statement(V5, "MQTT-4.6.0-5")]
    public async Task Publish_WhileTheSubscriberIsAway_WaitsInOrder()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        void Keep(ConnectBytes connect) => connect.CleanStart = false;
        await using (WireClient first = await host.ConnectAsync(version: 4, change: Keep)) await SubscribeAsync(first, 4, "lab/#", 1);
        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        for (ushort id = 1; id <= 3; id++)
        {
            await publisher.SendAsync(Bytes.Publish(5, "lab/x", $"message {id}", id: id));
            await publisher.ExpectAsync(0x40, 2, 0, (byte)id);
        }

        await using WireClient second = await host.ConnectAsync(version: 4, change: Keep);

        for (ushort id = 1; id <= 3; id++) await second.ExpectAsync(Bytes.Publish(4, "lab/x", $"message {id}", id: id));
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.1-5")]
    [Statement(V5, "MQTT-3.3.1-6")]
    [Statement(V5, "MQTT-3.3.1-7")]
    [Statement(V5, "MQTT-3.3.1-8")]
    [Statement(V5, "MQTT-3.3.1-12")]
    [Statement(V311, "MQTT-3.3.1-5")]
    [Statement(V311, "MQTT-3.3.1-6")]
    [Statement(V311, "MQTT-3.3.1-9")]
    [Statement(V311, "MQTT-3.3.1-10")]
    [Statement(V311, "MQTT-3.3.1-11")]
    [Statement(V311, "MQTT-3.3.1-12")]
    public async Task Retained_IsReplacedSentToNewSubscribersAndRemovedByAnEmptyOne()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await PublishAsync(publisher, "first", retain: true);
        await PublishAsync(publisher, "second", retain: true);
        await PublishAsync(publisher, "not retained", retain: false);
        await using WireClient early = await host.ConnectAsync("band-1");

        await SubscribeAsync(early, 5, "lab/x", 0);
        await early.ExpectAsync(Bytes.Publish(5, "lab/x", "second", 0, retain: true));
        await PublishAsync(publisher, "", retain: true);
        await early.ExpectAsync(Bytes.Publish(5, "lab/x", "", 0));
        await using WireClient late = await host.ConnectAsync("band-3");
        await SubscribeAsync(late, 5, "lab/x", 0);

        await late.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.1-9")]
    [Statement(V5, "MQTT-3.3.1-10")]
    [Statement(V5, "MQTT-3.3.1-11")]
    [Statement(V5, "MQTT-3.8.4-3")]
    [Statement(V5, "MQTT-3.8.4-4")]
    [Statement(V311, "MQTT-3.8.4-3")]
    public async Task Retained_HandlingDecidesWhoGetsIt()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync();
        await PublishAsync(client, "kept", retain: true);
        byte[] kept = Bytes.Publish(5, "lab/x", "kept", 0, retain: true);

        await SubscribeAsync(client, 5, "lab/x", 0x20);
        await client.ExpectNothingAsync();
        await SubscribeAsync(client, 5, "lab/x", 0x10);
        await client.ExpectNothingAsync();
        await SubscribeAsync(client, 5, "lab/x", 0x00);
        await client.ExpectAsync(kept);
        await client.SendAsync(Bytes.Unsubscribe(5, 2, "lab/x"));
        await client.ReadPacketAsync();
        await SubscribeAsync(client, 5, "lab/x", 0x10);

        await client.ExpectAsync(kept);
    }

    [Fact]
    [Statement(V5, "MQTT-3.8.3-3")]
    [Statement(V5, "MQTT-3.3.1-13")]
    public async Task Subscribe_NoLocalAndRetainAsPublished_AreObeyed()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient self = await host.ConnectAsync("band-1");
        await using WireClient other = await host.ConnectAsync("band-2");
        await SubscribeAsync(self, 5, "lab/x", 0x04);
        await SubscribeAsync(other, 5, "lab/x", 0x08);

        await PublishAsync(self, "hello", retain: true);

        await other.ExpectAsync(Bytes.Publish(5, "lab/x", "hello", 0, retain: true));
        await self.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.4-2")]
    [Statement(V5, "MQTT-3.3.4-3")]
    [Statement(V5, "MQTT-3.3.4-4")]
    public async Task Subscribe_OverlappingFilters_OneCopyWithHighestQosAndAllIdentifiers()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync("band-1");
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await client.SendAsync(Bytes.Subscribe(5, 1, "lab/#", 0, [0x0B, 7]));
        await client.ReadPacketAsync();
        await client.SendAsync(Bytes.Subscribe(5, 2, "lab/+", 1, [0x0B, 0xC8, 0x01]));
        await client.ReadPacketAsync();

        await PublishAsync(publisher, "hello");

        await client.ExpectAsync(Bytes.Publish(5, "lab/x", "hello", 1, id: 1, properties: [0x0B, 7, 0x0B, 0xC8, 0x01]));
        await client.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-4.8.2-3")]
    public async Task SharedSubscription_EachMessageGoesToOneMember()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient one = await host.ConnectAsync("band-1");
        await using WireClient two = await host.ConnectAsync("band-2");
        await using WireClient publisher = await host.ConnectAsync("band-3");
        await SubscribeAsync(one, 5, "$share/team/lab/x", 0);
        await SubscribeAsync(two, 5, "$share/team/lab/x", 0);

        await PublishAsync(publisher, "1");
        await PublishAsync(publisher, "2");

        string[] got = [PayloadOf(await one.ReadPacketAsync()), PayloadOf(await two.ReadPacketAsync())];
        Assert.Equal(["1", "2"], got.Order());
        await one.ExpectNothingAsync();
        await two.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.2-4")]
    [Statement(V5, "MQTT-3.3.2-15")]
    [Statement(V5, "MQTT-3.3.2-16")]
    [Statement(V5, "MQTT-3.3.2-17")]
    [Statement(V5, "MQTT-3.3.2-18")]
    [Statement(V5, "MQTT-3.3.2-20")]
    public async Task Publish_Properties_ArePassedOnUnalteredAndInOrder()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync("band-1");
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await SubscribeAsync(client, 5, "lab/x", 0);
        byte[] kept =
        [
            0x26, .. Bytes.Text("z"), .. Bytes.Text("1"), 0x01, 1, 0x03, .. Bytes.Text("text/plain"), 0x26, .. Bytes.Text("a"), .. Bytes.Text("2"),
            0x08, .. Bytes.Text("lab/answer"), 0x09, 0, 2, 0xFF, 0x00,
        ];

        await publisher.SendAsync(Bytes.Publish(5, "lab/x", "hello", 0, properties: [0x23, 0, 1, .. kept]));

        await client.ExpectAsync(Bytes.Publish(5, "lab/x", "hello", 0, properties: kept));
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.2-5")]
    [Statement(V5, "MQTT-3.3.2-6")]
    public async Task Publish_Expiry_CountsDownAndDeletes()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(LabOn, time);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await publisher.SendAsync(Bytes.Publish(5, "lab/x", "soon gone", 1, id: 1, properties: [0x02, 0, 0, 0, 5], retain: true));
        await publisher.SendAsync(Bytes.Publish(5, "lab/y", "stays", 1, id: 2, properties: [0x02, 0, 0, 0, 60], retain: true));
        await publisher.ReadPacketAsync();
        await publisher.ReadPacketAsync();
        time.Advance(TimeSpan.FromSeconds(10));
        await using WireClient client = await host.ConnectAsync("band-1");

        await SubscribeAsync(client, 5, "lab/#", 0);

        await client.ExpectAsync(Bytes.Publish(5, "lab/y", "stays", 0, properties: [0x02, 0, 0, 0, 50], retain: true));
        await client.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.4-9")]
    [Statement(V5, "MQTT-3.3.4-10")]
    [Statement(V5, "MQTT-4.9.0-1")]
    [Statement(V5, "MQTT-4.9.0-2")]
    [Statement(V5, "MQTT-4.9.0-3")]
    [Statement(V5, "MQTT-2.2.1-4")]
    public async Task Delivery_ReceiveMaximumOfTheClient_IsNeverExceeded()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync("band-1", change: connect => connect.Properties = [0x21, 0, 2]);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await SubscribeAsync(client, 5, "lab/x", 1);

        for (int i = 1; i <= 3; i++) await PublishAsync(publisher, $"{i}");
        await client.ExpectAsync(Bytes.Publish(5, "lab/x", "1", 1, id: 1));
        await client.ExpectAsync(Bytes.Publish(5, "lab/x", "2", 1, id: 2));
        await client.ExpectNothingAsync();
        await client.SendAsync(0x40, 2, 0, 1);

        await client.ExpectAsync(Bytes.Publish(5, "lab/x", "3", 1, id: 3));
    }

    [Fact]
    [Statement(V5, "MQTT-4.4.0-2")]
    [Statement(V5, "MQTT-4.8.2-6")]
    public async Task Delivery_RefusedByTheClient_IsNotSentAgain()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        void Keep(ConnectBytes connect) => (connect.CleanStart, connect.Properties) = (false, [0x11, 0, 0, 0, 60]);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await using (WireClient first = await host.ConnectAsync(change: Keep))
        {
            await SubscribeAsync(first, 5, "lab/x", 2);
            await PublishAsync(publisher, "hello", qos: 2);
            await first.ReadPacketAsync();
            await first.SendAsync(0x50, 3, 0, 1, 0x80);
            await first.ExpectNothingAsync();
        }

        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient second = await host.ConnectAsync(change: Keep);

        Assert.True(second.IsSessionPresent);
        await second.ExpectNothingAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-24")]
    [Statement(V5, "MQTT-3.1.2-25")]
    public async Task Delivery_LargerThanTheClientTakes_IsLeftOut()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient client = await host.ConnectAsync("band-1", change: connect => connect.Properties = [0x27, 0, 0, 0, 40]);
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await SubscribeAsync(client, 5, "lab/x", 1);

        await PublishAsync(publisher, new string('.', 64));
        await PublishAsync(publisher, "small");

        Assert.Equal("small", PayloadOf(await client.ReadPacketAsync()));
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-26")]
    [Statement(V5, "MQTT-3.1.2-27")]
    [Statement(V5, "MQTT-3.3.2-11")]
    public async Task Delivery_TopicAlias_IsUsedOnlyAsFarAsTheClientAllows()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient with = await host.ConnectAsync("band-1", change: connect => connect.Properties = [0x22, 0, 1]);
        await using WireClient without = await host.ConnectAsync("band-3");
        await using WireClient publisher = await host.ConnectAsync("band-2");
        await SubscribeAsync(with, 5, "lab/#", 0);
        await SubscribeAsync(without, 5, "lab/#", 0);

        await PublishAsync(publisher, "1");
        await PublishAsync(publisher, "2");
        await PublishAsync(publisher, "3", topic: "lab/other");

        await with.ExpectAsync(Bytes.Publish(5, "lab/x", "1", 0, properties: [0x23, 0, 1]));
        await with.ExpectAsync(Bytes.Publish(5, "", "2", 0, properties: [0x23, 0, 1]));
        await with.ExpectAsync(Bytes.Publish(5, "lab/other", "3", 0));
        await without.ExpectAsync(Bytes.Publish(5, "lab/x", "1", 0));
    }

    [Theory]
    [InlineData("lab/#", "lab/a/b", true)]
    [InlineData("lab/#", "lab", true)]
    [InlineData("lab/+", "lab/a/b", false)]
    [InlineData("lab/+/b", "lab//b", true)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("lab/A", "lab/a", false)]
    [InlineData("+", "/lab", false)]
    [InlineData("/+", "/lab", true)]
    [Statement(V5, "MQTT-4.7.2-1")]
    [Statement(V5, "MQTT-4.7.3-4")]
    [Statement(V311, "MQTT-4.7.2-1")]
    [Statement(V311, "MQTT-4.7.3-4")]
    public void Filter_MatchesAsTheStandardSays(string filter, string topic, bool matches)
    {
        Assert.Equal(matches, Packets.TopicName.Matches(Encoding.UTF8.GetBytes(filter), Encoding.UTF8.GetBytes(topic)));
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-14")]
    [Statement(V5, "MQTT-3.1.2-15")]
    [Statement(V311, "MQTT-3.1.2-16")]
    [Statement(V311, "MQTT-3.1.2-17")]
    public async Task Will_InTheLab_IsPublishedAndRetainedIfAsked()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient watcher = await host.ConnectAsync("band-1");
        await SubscribeAsync(watcher, 5, "lab/x", 0);
        await using (WireClient plain = await host.ConnectAsync("band-2", change: connect => connect.Will = ("lab/x", "plain"))) plain.Break();
        await watcher.ExpectAsync(Bytes.Publish(5, "lab/x", "plain", 0));
        await using (WireClient kept = await host.ConnectAsync("band-3", change: connect => (connect.Will, connect.Flags) = (("lab/x", "kept"), 0xE6))) kept.Break();
        await watcher.ExpectAsync(Bytes.Publish(5, "lab/x", "kept", 0));

        await using WireClient late = await host.ConnectAsync("band-4");
        await SubscribeAsync(late, 5, "lab/x", 0);

        await late.ExpectAsync(Bytes.Publish(5, "lab/x", "kept", 0, retain: true));
        await late.ExpectNothingAsync();
    }

    [Fact]
    public async Task Subscribe_LabSwitchedOff_IsRefused()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Subscribe(5, 1, "lab/#"));

        await client.ExpectAsync(0x90, 4, 0, 1, 0, 0x80);
    }

    [Fact]
    public async Task LabGuest_MayNotTouchDevices()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn);
        await using WireClient guest = await host.ConnectAsync(change: connect => (connect.UserName, connect.Password) = (null, null));

        await guest.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 1));
        await guest.ExpectAsync(0x40, 3, 0, 1, 0x87);
        await guest.SendAsync(Bytes.Subscribe(5, 2, "t1/#"));

        await guest.ExpectAsync(0x90, 4, 0, 2, 0, 0x87);
        Assert.Empty(host.Ingest.Submitted);
    }

    [Fact]
    public async Task Queue_FullForAnAbsentSubscriber_DropsAndCounts()
    {
        await using MqttHost host = await MqttHost.StartAsync(LabOn with { MaxQueuedMessages = 2 });
        await using (WireClient first = await host.ConnectAsync(version: 4, change: connect => connect.CleanStart = false)) await SubscribeAsync(first, 4, "lab/x", 1);
        await host.EndedAsync(EndReasons.ConnectionLost);
        await using WireClient publisher = await host.ConnectAsync("band-2");

        for (int i = 0; i < 5; i++) await PublishAsync(publisher, "x");

        Assert.Equal(3, host.Endpoint.Counters.Dropped);
    }

    private static async Task SubscribeAsync(WireClient client, byte version, string filter, byte options)
    {
        await client.SendAsync(Bytes.Subscribe(version, 1, filter, options));
        Assert.Equal(0x90, (await client.ReadPacketAsync())[0]);
    }

    private static async Task PublishAsync(WireClient client, string payload, bool retain = false, int qos = 1, string topic = "lab/x")
    {
        await client.SendAsync(Bytes.Publish(5, topic, payload, qos, id: 1, retain: retain));
        Assert.Equal(qos == 2 ? 0x50 : 0x40, (await client.ReadPacketAsync())[0]);
        if (qos != 2) return;
        await client.SendAsync(0x62, 2, 0, 1);
        await client.ReadPacketAsync();
    }

    private static async Task ExpectInAnyOrderAsync(WireClient client, params byte[][] packets)
    {
        string[] got = [Convert.ToHexString(await client.ReadPacketAsync()), Convert.ToHexString(await client.ReadPacketAsync())];
        Assert.Equal(packets.Select(Convert.ToHexString).Order(), got.Order());
    }

    private static string PayloadOf(byte[] publish)
    {
        int topic = (publish[2] << 8) | publish[3];
        int qos = (publish[0] >> 1) & 3;
        int at = 4 + topic + (qos > 0 ? 2 : 0);
        return Encoding.UTF8.GetString(publish.AsSpan(at + 1 + publish[at]));
    }
}
