using System.Text;
using Telemetry.Wire.Ingest;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>PUBLISH from a device and its acknowledgements, sections 3.3 to 3.7 and 4.3.</summary>
public class PublishTests
{
    private const string Up = "t1/acme/band-1/up";

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-2.3.1-6")]
    [Statement(V311, "MQTT-4.3.2-2")]
    [Statement(V5, "MQTT-2.2.1-5")]
    [Statement(V5, "MQTT-3.3.4-1")]
    [Statement(V5, "MQTT-4.3.2-4")]
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
    public async Task Publish_PartOfTheWindowFlushed_OnlyThatPartIsAcknowledged()
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "one", id: 1));
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        await client.SendAsync(Bytes.Publish(5, Up, "two", id: 2));
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(1);

        await client.ExpectAsync(0x40, 2, 0, 1);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Publish_FlushFails_ClosesWithoutAcknowledging()
    {
        await using MqttHost host = await MqttHost.StartAsync(isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch"));
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(1, succeeds: false);

        await client.ExpectDisconnectAsync(0x89);
        await host.EndedAsync(EndReasons.StorageUnavailable);
    }

    [Fact]
    [Statement(V5, "MQTT-3.4.2-1")]
    public async Task Publish_OverloadedV5_IsRefused0x97AndTheSessionGoesOn()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(RefusalReason.Overloaded, 500);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch", id: 9));

        byte[] puback = await client.ReadPacketAsync();
        Assert.Equal([0x40, 0, 9, 0x97], [puback[0], puback[2], puback[3], puback[4]]);
        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(RefusalReason.NotAuthorized, 0x87)]
    [InlineData(RefusalReason.TooLarge, 0x99)]
    [InlineData(RefusalReason.ErasedEpoch, 0x83)]
    [InlineData(RefusalReason.StorageUnavailable, 0x97)]
    public async Task Publish_RefusedV5_CarriesTheReason(RefusalReason reason, byte code)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(reason, 0);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch"));

        byte[] puback = await client.ReadPacketAsync();
        Assert.Equal([0x40, code], [puback[0], puback[4]]);
        Assert.Contains("refused", Encoding.UTF8.GetString(puback), StringComparison.Ordinal);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-29")]
    public async Task Publish_RefusedToAClientWithoutProblemInformation_HasNoReasonString()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(RefusalReason.Overloaded, 500);
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Properties = [0x17, 0]);

        await client.SendAsync(Bytes.Publish(5, Up, "batch", id: 9));

        await client.ExpectAsync(0x40, 3, 0, 9, 0x97);
    }

    [Fact]
    [Statement(V5, "MQTT-3.4.2-2")]
    public async Task Publish_RefusedToAClientOfSmallPackets_HasNoReasonString()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(RefusalReason.Overloaded, 500);
        await using WireClient client = await host.ConnectAsync(change: connect => connect.Properties = [0x27, 0, 0, 0, 30]);

        await client.SendAsync(Bytes.Publish(5, Up, "batch", id: 9));

        await client.ExpectAsync(0x40, 3, 0, 9, 0x97);
    }

    [Fact]
    public async Task Publish_DeadLetteredV5_SucceedsAndSaysWhy()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => new IngestTicket(IngestOutcome.DeadLettered, RefusalReason.ChecksumMismatch, 0, 0);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch"));

        byte[] puback = await client.ReadPacketAsync();
        Assert.Equal([0x40, 0], [puback[0], puback[4]]);
        Assert.Contains("dead letter: checksum mismatch", Encoding.UTF8.GetString(puback), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_OverloadedV311_IsTriedAgainAndAcknowledgedLater()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        int attempts = 0;
        host.Ingest.Answer = _ => ++attempts < 3 ? Refused(RefusalReason.Overloaded, 500) : new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0);
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync(Bytes.Publish(4, Up, "batch", id: 9));

        Assert.Equal([0x40, 2, 0, 9], await AdvanceUntilAsync(time, client.ReadPacketAsync()));
        Assert.Equal(3, attempts);
        Assert.All(host.Ingest.Submitted, one => Assert.Equal("batch", Encoding.UTF8.GetString(one.Batch)));
    }

    [Fact]
    [Statement(V311, "MQTT-4.8.0-2")]
    public async Task Publish_OverloadedV311ForTooLong_ClosesWithoutAcknowledging()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        host.Ingest.Answer = _ => Refused(RefusalReason.Overloaded, 5_000);
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync(Bytes.Publish(4, Up, "batch"));

        Task closed = client.ExpectClosedAsync();
        await AdvanceUntilAsync(time, closed.ContinueWith(_ => true, TaskScheduler.Default));
        await closed;
        await host.EndedAsync(EndReasons.BatchRefused);
    }

    [Fact]
    public async Task Publish_ErasedEpochV311_IsAcknowledgedSoThatItStops()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(RefusalReason.ErasedEpoch, 0);
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync(Bytes.Publish(4, Up, "batch", id: 4));

        await client.ExpectAsync(0x40, 2, 0, 4);
        Assert.Equal(1, host.Endpoint.Counters.Refused);
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.4-7")]
    public async Task Publish_MoreThanReceiveMaximumV5_DisconnectsWith0x93()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { ReceiveMaximum = 2 }, isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync([.. Bytes.Publish(5, Up, "1", id: 1), .. Bytes.Publish(5, Up, "2", id: 2), .. Bytes.Publish(5, Up, "3", id: 3)]);

        await client.ExpectDisconnectAsync(0x93);
        Assert.Equal(2, host.Ingest.Submitted.Count);
    }

    [Fact]
    public async Task Publish_WindowFullV311_IsReadNoFurtherUntilTheFlush()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { ReceiveMaximum = 2 }, isDurableAtOnce: false);
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync([.. Bytes.Publish(4, Up, "1", id: 1), .. Bytes.Publish(4, Up, "2", id: 2), .. Bytes.Publish(4, Up, "3", id: 3)]);
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(2);
        await client.ExpectAsync(0x40, 2, 0, 1);
        await client.ExpectAsync(0x40, 2, 0, 2);
        await host.Ingest.Arrived.WaitAsync(TestLimits.Answer);
        host.Ingest.MakeDurable(3);

        await client.ExpectAsync(0x40, 2, 0, 3);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-4.3.3-2")]
    [Statement(V5, "MQTT-4.3.3-8")]
    [Statement(V5, "MQTT-4.3.3-10")]
    [Statement(V5, "MQTT-4.3.3-11")]
    [Statement(V5, "MQTT-4.3.3-12")]
    public async Task Publish_Qos2SentTwice_IsSubmittedOnceAndReleased(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(Bytes.Publish(version, Up, "batch", qos: 2, id: 5));
        await client.ExpectAsync(0x50, 2, 0, 5);
        await client.SendAsync(Bytes.Publish(version, Up, "batch", qos: 2, id: 5, dup: true));
        await client.ExpectAsync(0x50, 2, 0, 5);
        Assert.Single(host.Ingest.Submitted);
        await client.SendAsync(0x62, 2, 0, 5);
        await client.ExpectAsync(0x70, 2, 0, 5);
        await client.SendAsync(Bytes.Publish(version, Up, "another", qos: 2, id: 5));
        await client.ExpectAsync(0x50, 2, 0, 5);

        Assert.Equal(2, host.Ingest.Submitted.Count);
    }

    [Fact]
    [Statement(V5, "MQTT-4.3.3-9")]
    public async Task Publish_Qos2Refused_NextOneWithTheIdentifierIsNew()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.Answer = _ => Refused(RefusalReason.Overloaded, 500);
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "batch", qos: 2, id: 5));
        Assert.Equal(0x97, (await client.ReadPacketAsync())[4]);
        host.Ingest.Answer = null;
        await client.SendAsync(Bytes.Publish(5, Up, "batch", qos: 2, id: 5));

        await client.ExpectAsync(0x50, 2, 0, 5);
        Assert.Equal(2, host.Ingest.Submitted.Count);
    }

    [Fact]
    public async Task Pubrel_UnknownIdentifierV5_IsAnswered0x92()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(0x62, 2, 0, 77);

        await client.ExpectAsync(0x70, 3, 0, 77, 0x92);
    }

    [Theory]
    [InlineData("t1/acme/band-2/up")]
    [InlineData("t1/acme/band-1/down")]
    [InlineData("t1/acme/band-1/up/more")]
    [InlineData("lab/x")]
    [InlineData("anything")]
    public async Task Publish_ForeignTopicV5_IsRefused0x87(string topic)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, topic, "batch", id: 2));

        await client.ExpectAsync(0x40, 3, 0, 2, 0x87);
        Assert.Empty(host.Ingest.Submitted);
    }

    [Fact]
    [Statement(V311, "MQTT-3.3.5-2")]
    public async Task Publish_ForeignTopicV311_Closes()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: 4);

        await client.SendAsync(Bytes.Publish(4, "t1/acme/band-2/up", "batch"));

        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.TopicForeign);
    }

    [Fact]
    public async Task Publish_HubForItsBrand_IsSubmittedAsTheOtherDevice()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient hub = await host.ConnectAsync("hub-1");

        await hub.SendAsync(Bytes.Publish(5, "t1/acme/band-9/up", "batch", id: 1));
        await hub.ExpectAsync(0x40, 2, 0, 1);
        await hub.SendAsync(Bytes.Publish(5, "t1/other/band-9/up", "batch", id: 2));
        await hub.ExpectAsync(0x40, 3, 0, 2, 0x87);

        Assert.Equal(["acme/band-9"], host.Ingest.Submitted.Select(one => one.Device));
    }

    [Fact]
    public async Task Publish_Life_IsReportedAndAcknowledged()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, "t1/acme/band-1/life", "birth", id: 6));

        await client.ExpectAsync(0x40, 2, 0, 6);
        Assert.Equal([("acme/band-1", "birth")], host.Ingest.Lives);
    }

    [Fact]
    [Statement(V5, "MQTT-3.3.2-12")]
    [Statement(V5, "MQTT-3.3.2-7")]
    public async Task Publish_TopicAlias_StandsForTheTopicOnThisConnectionOnly()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();
        byte[] alias = [0x23, 0, 16];

        await client.SendAsync(Bytes.Publish(5, Up, "one", id: 1, properties: alias));
        await client.ExpectAsync(0x40, 2, 0, 1);
        await client.SendAsync(Bytes.Publish(5, "", "two", id: 2, properties: alias));
        await client.ExpectAsync(0x40, 2, 0, 2);
        await using WireClient next = await host.ConnectAsync();
        await next.SendAsync(Bytes.Publish(5, "", "three", id: 3, properties: alias));

        await next.ExpectDisconnectAsync(0x94);
        Assert.Equal(["one", "two"], host.Ingest.Submitted.Select(one => Encoding.UTF8.GetString(one.Batch)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [Statement(V5, "MQTT-3.3.2-8")]
    [Statement(V5, "MQTT-3.3.2-9")]
    public async Task Publish_TopicAliasOutOfRange_DisconnectsWith0x94(byte alias)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, Up, "one", properties: [0x23, 0, alias]));

        await client.ExpectDisconnectAsync(0x94);
    }

    [Fact]
    [Statement(V5, "MQTT-3.2.2-15")]
    public async Task Publish_LargerThanMaximumPacketSize_DisconnectsWith0x95()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { MaxPacketBytes = 1024 });
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync([0x32, .. Bytes.Length(2000)]);

        await client.ExpectDisconnectAsync(0x95);
    }

    [Fact]
    public async Task Publish_LargestBatch_ArrivesWhole()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();
        string batch = string.Concat(Enumerable.Range(0, 32 * 1024).Select(i => $"{i:x8}"));

        await client.SendAsync(Bytes.Publish(5, Up, batch, id: 1));

        await client.ExpectAsync(0x40, 2, 0, 1);
        Assert.Equal(batch, Encoding.UTF8.GetString(host.Ingest.Submitted[0].Batch));
    }

    private static IngestTicket Refused(RefusalReason reason, int retryAfterMs) => new(IngestOutcome.Refused, reason, 0, retryAfterMs);

    /// <summary>Moves the clock on until the answer is there; the endpoint sets its timers whenever it comes to it.</summary>
    private static async Task<T> AdvanceUntilAsync<T>(ManualTime time, Task<T> answer)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (!answer.IsCompleted)
        {
            limit.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        return await answer;
    }
}
