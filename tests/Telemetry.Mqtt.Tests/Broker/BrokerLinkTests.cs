using System.Text;
using Telemetry.Mqtt.Broker;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;
using Google.Protobuf;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests.Broker;

/// <summary>The collector as client of a broker: the bytes it says, and when it says them.</summary>
public class BrokerLinkTests
{
    private const string Up = "t1/acme/band-1/up";

    [Fact]
    public async Task Connect_Version5_AsksForAStoredSessionThatNeverExpires()
    {
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { Url = WithUser(options, "ops"), Password = "word", MaxInFlight = 300, ShareName = "night" });
        await using WireClient broker = await rig.AcceptAsync();

        await broker.ExpectAsync(Bytes.Packet(
            0x10,
            [.. Bytes.Text("MQTT"), 5, 0xC0, 0, 30, 13, 0x11, 0xFF, 0xFF, 0xFF, 0xFF, 0x21, 300 >> 8, 300 & 255, 0x27, 0, 5, 0, 0,
                .. Bytes.Text("collector-1"), .. Bytes.Text("ops"), .. Bytes.Text("word")]));
        await broker.SendAsync(0x20, 3, 0, 0, 0);
        await broker.ExpectAsync(Bytes.Packet(0x82, [0, 1, 0, .. Bytes.Text("$share/night/t1/+/+/up"), 0x21, .. Bytes.Text("$share/night/t1/+/+/life"), 0x21]));
        Assert.False(rig.Link.Health.IsConnected);
        await broker.SendAsync(0x90, 5, 0, 1, 0, 1, 1);
        await rig.HealthAsync(health => health.IsConnected);
    }

    [Fact]
    [Statement(V311, "MQTT-7.0.0-1")]
    public async Task Connect_Version311_AsksForAPersistentSession()
    {
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { UsesVersion311 = true, Devices = ["t1/acme/+"] });
        await using WireClient broker = await rig.AcceptAsync();

        await broker.ExpectAsync(Bytes.Packet(0x10, [.. Bytes.Text("MQTT"), 4, 0, 0, 30, .. Bytes.Text("collector-1")]));
        await broker.SendAsync(0x20, 2, 1, 0);
        await broker.ExpectAsync(Bytes.Packet(0x82, [0, 1, .. Bytes.Text("t1/acme/+/up"), 1, .. Bytes.Text("t1/acme/+/life"), 1]));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V5, "MQTT-4.6.0-2")]
    [Statement(V311, "MQTT-4.6.0-2")]
    [Statement(V311, "MQTT-7.0.0-1")]
    public async Task Publish_IsAcknowledgedBehindItsFlushAndNotBefore(byte version)
    {
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { UsesVersion311 = version == 4 }, isDurableAtOnce: false);
        await using WireClient broker = await rig.AcceptSubscribedAsync(version);
        for (ushort id = 7; id <= 9; id++) await broker.SendAsync(Bytes.Publish(version, Up, $"batch {id}", id: id));
        for (int i = 0; i < 3; i++) Assert.True(await rig.Ingest.Arrived.WaitAsync(TestLimits.Answer));

        Assert.Equal(0, Volatile.Read(ref rig.Link.Counters.Acks));
        rig.Ingest.MakeDurable(2);
        rig.Ingest.MakeDurable(3);

        await broker.ExpectAsync(0x40, 2, 0, 7);
        await broker.ExpectAsync(0x40, 2, 0, 8);
        await broker.ExpectAsync(0x40, 2, 0, 9);
        Assert.Equal([("acme/band-1", "batch 7"), ("acme/band-1", "batch 8"), ("acme/band-1", "batch 9")], rig.Ingest.Submitted.Select(one => (one.Device, Encoding.UTF8.GetString(one.Batch))));
    }

    [Fact]
    public async Task Publish_FlushFails_IsNotAcknowledgedAndComesAgain()
    {
        await using LinkRig rig = await LinkRig.StartAsync(isDurableAtOnce: false);
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync(Bytes.Publish(5, Up, "batch", id: 1));
        Assert.True(await rig.Ingest.Arrived.WaitAsync(TestLimits.Answer));
        rig.Ingest.MakeDurable(1, succeeds: false);
        await broker.ExpectClosedAsync();

        await using WireClient again = await rig.AcceptSubscribedAsync(isSessionPresent: true);
        await again.SendAsync(Bytes.Publish(5, Up, "batch", id: 1, dup: true));
        Assert.True(await rig.Ingest.Arrived.WaitAsync(TestLimits.Answer));
        rig.Ingest.MakeDurable(2);
        await again.ExpectAsync(0x40, 2, 0, 1);
        Assert.Equal(0, rig.Link.Counters.SessionsLost);
    }

    [Fact]
    public async Task Publish_RefusedForNow_IsTriedAgainBeforeAnythingBehindIt()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        int refusals = 3;
        rig.Ingest.Answer = _ => refusals-- > 0
            ? new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, RetryAfterMs: 1)
            : new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0);
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync([.. Bytes.Publish(5, Up, "first", id: 1), .. Bytes.Publish(5, Up, "second", id: 2)]);

        await broker.ExpectAsync(0x40, 2, 0, 1);
        await broker.ExpectAsync(0x40, 2, 0, 2);
        Assert.Equal(["first", "first", "first", "first", "second"], rig.Ingest.Submitted.Select(one => Encoding.UTF8.GetString(one.Batch)));
    }

    [Fact]
    [Statement(V5, "MQTT-4.5.0-2")]
    public async Task Publish_ForGoodRefusedOrOfAnUnknownDevice_IsAcknowledgedWithTheReason()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        rig.Ingest.Answer = _ => new IngestTicket(IngestOutcome.Refused, RefusalReason.TooLarge, 0, 0);
        await using WireClient broker = await rig.AcceptSubscribedAsync();

        await broker.SendAsync(Bytes.Publish(5, Up, "large", id: 1));
        await broker.ExpectAsync(0x40, 3, 0, 1, 0x99);
        await broker.SendAsync(Bytes.Publish(5, "t1/acme/unknown/up", "x", id: 2));
        await broker.ExpectAsync(0x40, 3, 0, 2, 0x87);
        Assert.Equal((1, 1), (rig.Link.Counters.Refused, rig.Link.Counters.Unknown));
    }

    [Fact]
    public async Task Publish_MoreThanMayBeInFlight_IsReadNoFurther()
    {
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { UsesVersion311 = true, MaxInFlight = 2 }, isDurableAtOnce: false);
        await using WireClient broker = await rig.AcceptSubscribedAsync(version: 4);
        for (ushort id = 1; id <= 20; id++) await broker.SendAsync(Bytes.Publish(4, Up, $"{id}", id: id));

        // 1 or 2 at the flush, 2 in the queue, 1 in the reader's hand.
        for (int i = 0; i < 4; i++) Assert.True(await rig.Ingest.Arrived.WaitAsync(TestLimits.Answer));
        for (ushort id = 1; id <= 20; id++)
        {
            Assert.True(rig.Ingest.Submitted.Count <= id + 5, $"{rig.Ingest.Submitted.Count} batches taken with {id} durable");
            rig.Ingest.MakeDurable(id + 1);
            await broker.ExpectAsync(0x40, 2, 0, (byte)id);
        }
    }

    [Fact]
    public async Task Life_IsReportedAndTheCommandIsPostedRetainedWithoutAClock()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        Command command = new() { ServerUnixMs = 1_767_268_800_000, Version = 3, WithdrawnSignals = { 9 } };
        rig.Ingest.Commands["acme/band-1"] = Encoding.Latin1.GetString(command.ToByteArray());
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync(Bytes.Publish(5, "t1/acme/band-1/life", "up 1a2b3c4d 7", id: 1));

        command.ServerUnixMs = 0;
        byte[][] packets = [await broker.ReadPacketAsync(), await broker.ReadPacketAsync()];
        Assert.Contains(packets, packet => packet.AsSpan().SequenceEqual((ReadOnlySpan<byte>)[0x40, 2, 0, 1]));
        Assert.Contains(packets, packet => packet.AsSpan().SequenceEqual(Down(1, command, dup: false)));
        Assert.Equal([("acme/band-1", "up 1a2b3c4d 7")], rig.Ingest.Lives);
    }

    [Fact]
    public async Task CommandChanged_NotAcknowledged_GoesAgainAfterTheReconnect()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync(Bytes.Publish(5, Up, "batch", id: 1));

        // A Command that orders nothing is not posted; its identifier was given back.
        await broker.ExpectAsync(0x40, 2, 0, 1);
        Command command = new() { Version = 4, UploadWindow = new UploadWindow { IntervalS = 900 } };
        rig.Ingest.ChangeCommand("acme/band-1", Encoding.Latin1.GetString(command.ToByteArray()));
        await broker.ExpectAsync(Down(2, command, dup: false));
        broker.Break();

        await using WireClient again = await rig.AcceptSubscribedAsync();
        await again.ExpectAsync(Down(2, command, dup: true));
        await again.SendAsync(0x40, 2, 0, 2);
        Assert.Equal(1, rig.Link.Counters.SessionsLost);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Connect_OnlyForASessionJustMadeGetsNoAnswer_ANewSessionIsBegun(byte version)
    {
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { UsesVersion311 = version == 4 });
        (await rig.AcceptSubscribedAsync(version)).Break();
        for (int unanswered = 0; unanswered < 2; unanswered++) Assert.Equal(0, FlagsOf(await HangUpAsync(rig)) & 2);
        Assert.Contains("-probe", await AnswerCallAsync(rig, version));
        for (int unanswered = 0; unanswered < 2; unanswered++) Assert.Equal(0, FlagsOf(await HangUpAsync(rig)) & 2);
        Assert.DoesNotContain("-probe", await AnswerCallAsync(rig, version));

        await using WireClient again = await rig.AcceptSubscribedAsync(version);
        await rig.HealthAsync(health => health.IsConnected);
        Assert.Equal(1, rig.Link.Counters.SessionsLost);
    }

    // As from a broker that hangs, or from a proxy before one that is away.
    [Fact]
    public async Task Connect_NobodyGetsAnAnswer_OurSessionIsKept()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        (await rig.AcceptSubscribedAsync()).Break();
        for (int unanswered = 0; unanswered < 2; unanswered++) await HangUpAsync(rig);
        for (int unanswered = 0; unanswered < 4; unanswered++) Assert.Contains("-probe", Encoding.ASCII.GetString(await HangUpAsync(rig)));
        Assert.Contains("-probe", await AnswerCallAsync(rig, 5));
        await using WireClient again = await rig.AcceptSubscribedAsync(isSessionPresent: true);
        await rig.HealthAsync(health => health.IsConnected);
        Assert.Equal(0, rig.Link.Counters.SessionsLost);
    }

    [Fact]
    public async Task Connect_ForASessionThatWasResumedOnceGetsNoAnswer_ItIsWaitedForAndKept()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        (await rig.AcceptSubscribedAsync()).Break();
        await HangUpAsync(rig);
        (await rig.AcceptSubscribedAsync(isSessionPresent: true)).Break();
        for (int unanswered = 0; unanswered < 5; unanswered++) Assert.Equal(0, FlagsOf(await HangUpAsync(rig)) & 2);
    }

    [Fact]
    public void SessionTrust_GivesUpOnlyWhatIsYoungAndOurs()
    {
        ManualTime time = new();
        SessionTrust trust = new(time);
        for (int i = 0; i < 10; i++) trust.OnConnectSent();
        Assert.False(trust.IsLost); // of a process before: what it holds is not known

        Assert.True(IsLostAfter(stoodFor: TimeSpan.FromSeconds(59), unanswered: 2, answersOthers: true));
        Assert.False(IsLostAfter(stoodFor: TimeSpan.FromSeconds(59), unanswered: 1, answersOthers: true));
        Assert.False(IsLostAfter(stoodFor: TimeSpan.FromSeconds(59), unanswered: 2, answersOthers: false));
        Assert.False(IsLostAfter(stoodFor: TimeSpan.FromSeconds(60), unanswered: 2, answersOthers: true));

        bool IsLostAfter(TimeSpan stoodFor, int unanswered, bool answersOthers)
        {
            trust.OnAnswered();
            trust.OnAccepted(isSessionPresent: false);
            time.Advance(stoodFor);
            trust.OnEnded();
            if (answersOthers) trust.OnOtherAnswered();
            for (int i = 0; i < unanswered; i++) trust.OnConnectSent();
            return trust.IsLost;
        }
    }

    [Fact]
    public async Task Suback_GrantsLessThanQos1_IsNotTakenForAConnection()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        await using WireClient broker = await rig.AcceptAsync();
        await broker.ReadPacketAsync();
        await broker.SendAsync(0x20, 3, 0, 0, 0);
        await broker.ReadPacketAsync();
        await broker.SendAsync(0x90, 5, 0, 1, 0, 0x87, 1);

        await broker.ExpectClosedAsync();
        BrokerHealth health = await rig.HealthAsync(health => health.Reason.Contains("granted", StringComparison.Ordinal));
        Assert.Contains("0x87 for t1/+/+/up", health.Reason, StringComparison.Ordinal);
        Assert.False(health.IsConnected);
    }

    [Theory]
    [InlineData(new byte[] { 0x20, 3, 0, 0x86, 0 }, "refused CONNECT with code 0x86")]
    [InlineData(new byte[] { 0x30, 2, 0, 0 }, "CONNACK (2) is expected")]
    [InlineData(new byte[] { 0x20, 0xFF, 0xFF, 0xFF, 0xFF }, "Variable Byte Integer")]
    [InlineData(new byte[] { 0x20, 0xFF, 0xFF, 0x7F }, "exceeds")]
    [InlineData(new byte[] { 0x20, 1, 0 }, "Remaining Length is too small")]
    [InlineData(new byte[] { 0x20, 4, 0, 0, 1, 0x7E }, "property")]
    public async Task Connack_NotAnAcceptance_IsTheReasonOfHealth(byte[] answer, string reason)
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        await using WireClient broker = await rig.AcceptAsync();
        await broker.ReadPacketAsync();
        await broker.SendAsync(answer);

        await rig.HealthAsync(health => health.Reason.Contains(reason, StringComparison.OrdinalIgnoreCase));
        await using WireClient next = await rig.AcceptAsync();
    }

    [Theory]
    [InlineData(new byte[] { 0x90, 1, 0 }, "SUBACK")]
    [InlineData(new byte[] { 0x36, 4, 0, 1, 97, 0 }, "QoS")]
    [InlineData(new byte[] { 0x34, 6, 0, 1, 97, 0, 1, 0 }, "QoS 2")]
    [InlineData(new byte[] { 0x32, 2, 0, 9 }, "ends inside a field")]
    [InlineData(new byte[] { 0x40, 2, 0, 0 }, "identifier")]
    [InlineData(new byte[] { 0x82, 0 }, "packet type 8")]
    [InlineData(new byte[] { 0xE0, 1, 0x8B }, "DISCONNECT with reason 0x8B")]
    public async Task BrokerBreaksTheProtocol_TheLinkNamesItAndComesBack(byte[] bytes, string reason)
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync(bytes);

        await rig.HealthAsync(health => health.Reason.Contains(reason, StringComparison.OrdinalIgnoreCase));
        await using WireClient next = await rig.AcceptSubscribedAsync();
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-20")]
    public async Task Silence_OfAKeepAlive_EndsTheConnection()
    {
        ManualTime time = new();
        TimeSpan pause = TimeSpan.FromSeconds(600); // the reason stands for at least 300 turns of the loop below
        await using LinkRig rig = await LinkRig.StartAsync(options => options with { FirstRetryDelay = pause, LongestRetryDelay = pause }, time);
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await rig.HealthAsync(health => health.IsConnected);

        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (!rig.Link.Health.Reason.Contains("sent nothing for 30 s", StringComparison.Ordinal))
        {
            Assert.False(limit.IsCancellationRequested, $"{rig.Link.Health}");
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await broker.ExpectAsync(0xC0, 0);
    }

    [Fact]
    public async Task Stop_AcknowledgesWhatWasTakenAndSaysGoodbye()
    {
        await using LinkRig rig = await LinkRig.StartAsync(isDurableAtOnce: false);
        await using WireClient broker = await rig.AcceptSubscribedAsync();
        await broker.SendAsync(Bytes.Publish(5, Up, "batch", id: 1));
        Assert.True(await rig.Ingest.Arrived.WaitAsync(TestLimits.Answer));
        Task stopping = rig.Link.StopAsync(CancellationToken.None);
        Assert.False(stopping.IsCompleted);
        rig.Ingest.MakeDurable(1);

        await stopping;
        await broker.ExpectAsync(0x40, 2, 0, 1);
        await broker.ExpectAsync(0xE0, 0);
        await broker.ExpectClosedAsync();
    }

    [Fact]
    public void Validate_NamesTheOption()
    {
        BrokerOptions good = new() { Url = new Uri("mqtts://ops@broker.example"), ClientId = "c" };
        good.Validate();
        (BrokerOptions Options, string Name)[] bad =
        [
            (good with { Url = new Uri("http://broker") }, "Url"),
            (good with { Url = new Uri("mqtt://ops:word@broker") }, "Url"),
            (good with { Url = new Uri("mqtt://broker"), Password = "word" }, "Password"),
            (good with { ClientId = "a/b" }, "ClientId"),
            (good with { ShareName = "a+" }, "ShareName"),
            (good with { Devices = [] }, "Devices"),
            (good with { Devices = ["t1/#"] }, "Devices"),
            (good with { MaxInFlight = 0 }, "MaxInFlight"),
            (good with { KeepAlive = TimeSpan.FromSeconds(1) }, "KeepAlive"),
        ];
        foreach ((BrokerOptions options, string name) in bad)
        {
            string text = Assert.Throws<ArgumentException>(options.Validate).Message;
            Assert.StartsWith(name, text, StringComparison.Ordinal);
            Assert.DoesNotContain("word@", text, StringComparison.Ordinal);
        }
    }

    // Takes a CONNECT and closes without a word.
    private static async Task<byte[]> HangUpAsync(LinkRig rig)
    {
        WireClient broker = await rig.AcceptAsync();
        byte[] connect = await broker.ReadPacketAsync();
        broker.Break();
        return connect;
    }

    // Welcomes a clean session that leaves at once. Returns its CONNECT, as far as it is text.
    private static async Task<string> AnswerCallAsync(LinkRig rig, byte version)
    {
        await using WireClient call = await rig.AcceptAsync();
        byte[] connect = await call.ReadPacketAsync();
        Assert.Equal(2, FlagsOf(connect) & 2);
        Assert.True(connect.AsSpan().IndexOf((byte[])[0x11, 0xFF, 0xFF, 0xFF, 0xFF]) < 0);
        await call.SendAsync(version == 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]);
        await call.ExpectAsync(0xE0, 0);
        await call.ExpectClosedAsync();
        return Encoding.ASCII.GetString(connect);
    }

    // 10, length, "MQTT" with its length, version, flags.
    private static byte FlagsOf(byte[] connect) => connect[9];

    private static Uri WithUser(BrokerOptions options, string user) => new UriBuilder(options.Url) { UserName = user }.Uri;

    private static byte[] Down(ushort id, Command command, bool dup) =>
        Bytes.Packet((byte)(0x33 | (dup ? 8 : 0)), [.. Bytes.Text("t1/acme/band-1/down"), (byte)(id >> 8), (byte)id, 0, .. command.ToByteArray()]);
}
