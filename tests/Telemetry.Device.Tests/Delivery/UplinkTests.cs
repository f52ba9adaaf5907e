using Google.Protobuf;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

public sealed class UplinkTests
{
    [Fact]
    public void Publish_ConnectionLostBeforePuback_SentAgainWithDupAndTheSameIdentifier()
    {
        Rig rig = new();
        rig.Broker.Acks = false;
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        (int id, bool firstDup) = Assert.Single(rig.Broker.PublishHeaders);

        rig.Broker.Drop();
        rig.Broker.SessionPresent = true;
        rig.Broker.Acks = true;
        rig.Run(600_000);

        Assert.False(firstDup);
        Assert.Equal([(id, false), (id, true)], rig.Broker.PublishHeaders);
        Assert.Equal(rig.Broker.Published[0], rig.Broker.Published[1]);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Publish_SessionGone_SentAsNew()
    {
        Rig rig = new();
        rig.Broker.Acks = false;
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        rig.Broker.Drop();
        rig.Broker.Acks = true;
        rig.Run(600_000);
        Assert.False(rig.Broker.PublishHeaders[^1].Dup);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Publish_ReceiveMaximumTwo_NeverMoreInFlight()
    {
        Rig rig = new();
        rig.Broker.ConnackProperties = [0x21, 0, 2];
        rig.Broker.Acks = false;
        for (int i = 0; i < 5; i++)
        {
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }

        rig.Run(1000);
        Assert.Equal(2, rig.Broker.Published.Count);
        rig.Broker.Ack(rig.Broker.PublishHeaders[0].Id);
        rig.Run(1000);
        Assert.Equal(3, rig.Broker.Published.Count);
    }

    [Fact]
    public void Publish_TopicAliasAllowed_TopicIsSentOnce()
    {
        Rig rig = new();
        rig.Broker.ConnackProperties = [0x22, 0, 4];
        for (int i = 0; i < 3; i++)
        {
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }

        rig.Run(1000);
        byte[][] publishes = [.. rig.Broker.Packets.Where(packet => (packet[0] & 0xF6) == 0x32)];
        Assert.Equal(3, publishes.Length);
        Assert.Single(publishes, packet => packet.AsSpan().IndexOf("t1/acme/dev/up"u8) >= 0);
        Assert.Equal(3, Rig.Samples(rig.Broker.Published).Count);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Connect_SessionTheBrokerCannotResume_IsBegunAnewAfterTwoConnectsWithoutAWord(int version)
    {
        Rig rig = new(options => options.ProtocolVersion = version);
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        rig.Broker.Greets = (_, isClean) => isClean;
        rig.Broker.Acks = false;
        rig.Client.Record(Rig.Door, 0);
        rig.Client.Flush();
        rig.Run(1000);
        rig.Broker.Drop();
        rig.Broker.Acks = true;
        int before = rig.Broker.Connects;
        rig.Run(120_000); // two times 30 s without an answer, and the waits between
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(3, rig.Broker.Connects - before);
        Assert.Equal((version, true), (rig.Broker.Version, rig.Broker.CleanStart));
        Assert.False(rig.Broker.PublishHeaders[^1].Dup); // a new session

        rig.Broker.Greets = (_, _) => true;
        rig.Broker.Drop();
        rig.Run(60_000);
        Assert.True(rig.Client.IsConnected);
        Assert.False(rig.Broker.CleanStart);
    }

    [Fact]
    public void Connect_BrokerThatClosesMqtt5WithoutAWord_FallsBackTo311()
    {
        Rig rig = new(options => options.ProtocolVersion = 5);
        rig.Broker.Greets = (version, _) => version == 4;
        rig.Broker.HangsUp = true;
        rig.Run(300_000);
        Assert.True(rig.Client.IsConnected);
        Assert.Equal(4, rig.Broker.Connects);
    }

    [Fact]
    public void Connect_BrokerThatHangs_StaysWithMqtt5()
    {
        Rig rig = new(options => options.ProtocolVersion = 5);
        rig.Broker.Greets = (_, _) => false;
        rig.Run(600_000);
        Assert.True(rig.Client.ReadCounters().FailedConnects > 3);
        rig.Broker.Greets = (_, _) => true;
        rig.Run(600_000);
        Assert.True(rig.Client.IsConnected);
        Assert.Equal(5, rig.Broker.Version);
    }

    [Fact]
    public void Connect_BrokerThatCannotBeReached_StaysWithMqtt5()
    {
        Rig rig = new(options => options.ProtocolVersion = 5);
        rig.Broker.IsUp = false;
        rig.Run(3_600_000);
        Assert.True(rig.Client.ReadCounters().FailedConnects > 3);
        rig.Broker.IsUp = true;
        rig.Run(600_000);
        Assert.True(rig.Client.IsConnected);
        Assert.Equal(5, rig.Broker.Version);
    }

    [Fact]
    public void Connect_VersionRefused_FallsBackTo311()
    {
        Rig rig = new();
        rig.Broker.ConnackCode = 0x84;
        rig.Run(30_000);
        rig.Broker.ConnackCode = 0;
        rig.Run(600_000);
        Assert.Equal(4, rig.Broker.Version);
        Assert.True(rig.Client.IsConnected);
    }

    [Fact]
    public void Connect_BadCredentials_TriesAtMostOnceAnHour()
    {
        Rig rig = new();
        rig.Broker.ConnackCode = 0x86;
        rig.Run(24L * 3_600_000);
        Assert.InRange(rig.Broker.Connects, 12, 25);
    }

    [Fact]
    public void Link_NothingArrivesAnyMore_IsGivenUpAndBatchDelivered()
    {
        Rig rig = new();
        rig.Run(1000);
        rig.Broker.IsSilent = true;
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(25_000);
        rig.Broker.IsSilent = false;
        rig.Run(600_000);
        Assert.InRange(rig.Broker.Connects, 2, 3);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Idle_KeepAliveElapses_SignOfLifeIsSent()
    {
        Rig rig = new();
        rig.Run(1_000_000);
        Assert.Contains(rig.Broker.Packets, packet => packet[0] == 0xC0);
        Assert.Equal(1, rig.Broker.Connects);
    }

    [Fact]
    public void Event_BehindABacklog_OvertakesIt()
    {
        Rig rig = new(options => options.EventSectors = 4);
        rig.Broker.IsUp = false;
        for (int i = 0; i < 20; i++)
        {
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }

        rig.Client.Record(Rig.Button, 3);
        rig.Broker.IsUp = true;
        rig.Run(600_000);
        Assert.Equal(Rig.Button, Rig.Samples([rig.Broker.Published[0]])[0].Signal);
        Assert.Equal(21, Rig.Samples(rig.Broker.Published).Count);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Connect_RefusedWithASlot_ComesBackExactlyThen()
    {
        Rig rig = new();
        rig.Broker.ConnackCode = 0x89; // server busy
        rig.Broker.ConnackProperties = [0x26, 0, 7, .. "slot-ms"u8, 0, 5, .. "45000"u8];
        rig.Run(1);
        Assert.Equal(1, rig.Broker.Connects);
        rig.Broker.ConnackCode = 0;
        rig.Broker.ConnackProperties = [];
        rig.Run(44_900);
        Assert.Equal(1, rig.Broker.Connects);
        rig.Run(200);
        Assert.True(rig.Client.IsConnected);
    }

    [Fact]
    public void Command_OfTheSameVersionNamesALongerWindow_ItHoldsAndConnacksNoMore()
    {
        List<long> waitsMs = [];
        for (int seed = 1; seed <= 20; seed++)
        {
            Rig rig = new(options => options.Seed = seed);
            rig.Broker.ConnackProperties = [0x26, 0, 9, .. "window-ms"u8, 0, 4, .. "2000"u8];
            rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
            rig.Run(1000);
            rig.Broker.SendCommand(new Command { Version = 1, ReconnectWindow = new ReconnectWindow { WindowMs = 600_000 } }.ToByteArray());
            rig.Run(1000);
            long lostMs = rig.Clock.UptimeMs;
            rig.Broker.Drop();
            while (rig.Broker.Connects == 1) rig.Run(1000);
            waitsMs.Add(rig.Clock.UptimeMs - lostMs);
        }

        Assert.All(waitsMs, wait => Assert.InRange(wait, 0, 331_000)); // 0.55 of the window
        Assert.InRange(waitsMs.Average(), 100_000, 230_000);
    }

    [Fact]
    public void Event_WhileTheBrokerIsAway_DoesNotShortenTheWaitToReconnect()
    {
        Rig rig = new();
        rig.Broker.Command = new Command { Version = 1, ReconnectWindow = new ReconnectWindow { WindowMs = 600_000 } }.ToByteArray();
        rig.Run(1000);
        rig.Broker.IsUp = false;
        rig.Broker.Drop();
        for (int second = 0; second < 600; second++)
        {
            rig.Client.Record(Rig.Button, 1);
            rig.Run(1000);
        }

        Assert.InRange(rig.Client.ReadCounters().FailedConnects, 1, 12);
    }

    [Fact]
    public void Socket_CutAtEveryByte_EverySampleArrives()
    {
        for (int cut = 1; cut < 400; cut += 3)
        {
            Rig rig = new(options => options.ProtocolVersion = (cut & 1) == 0 ? 4 : 5);
            rig.Broker.BreakAfterBytes = cut;
            for (int i = 0; i < 4; i++)
            {
                rig.Client.Record(Rig.Door, i & 1);
                rig.Client.Flush();
            }

            rig.Run(20_000);
            rig.Broker.BreakAfterBytes = -1;
            rig.Run(900_000);
            Assert.True(rig.Client.IsDrained, $"cut after {cut} bytes");
            Assert.Equal(4, Rig.Samples(rig.Broker.Published).Count(sample => sample.Signal == Rig.Door) - Duplicates(rig));
        }
    }

    private static int Duplicates(Rig rig) => rig.Broker.Published.Count - rig.Broker.Published.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Count();
}
