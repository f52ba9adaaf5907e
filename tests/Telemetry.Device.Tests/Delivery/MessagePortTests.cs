using Google.Protobuf;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

public sealed class MessagePortTests
{
    private readonly ScriptedPort _port = new();

    [Fact]
    public void Publish_BatchesAcked_TopicsAreTheContractsAndAllIsConserved()
    {
        Rig rig = NewRig();
        _port.PendingTurns = 3;
        RecordBatches(rig, 5);
        rig.Run(10_000);

        Assert.True(rig.Client.IsDrained);
        Assert.Equal(5, Rig.Samples(_port.Batches).Count);
        Assert.Equal(["t1/acme/dev/down"], _port.Subscribed);
        Assert.All(_port.Published, message => Assert.Equal(message.Id == 0 ? "t1/acme/dev/life" : "t1/acme/dev/up", message.Topic));
        Assert.Equal("t1/acme/dev/life", _port.Will!.Value.Topic);
        Assert.NotEmpty(_port.Will.Value.Payload);
        rig.AssertConserved();
    }

    [Fact]
    public void Publish_ConnectionLostBeforeTheAck_SameBatchAgain()
    {
        Rig rig = NewRig();
        _port.Acks = false;
        RecordBatches(rig, 1);
        rig.Run(1000);
        Assert.False(rig.Client.IsDrained);

        _port.Drop();
        _port.Acks = true;
        rig.Run(600_000);
        byte[][] sent = [.. _port.Batches];
        Assert.Equal(2, sent.Length);
        Assert.Equal(sent[0], sent[1]);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(1, _port.Closes);
    }

    [Fact]
    public void Publish_ClientLosesItsSession_ReconnectsAndDelivers()
    {
        Rig rig = NewRig();
        rig.Run(1000);
        _port.IsUp = false;
        RecordBatches(rig, 2);
        rig.Run(600_000);
        Assert.False(rig.Client.IsConnected);
        Assert.True(rig.Client.ReadCounters().FailedConnects > 1);

        _port.IsUp = true;
        rig.Run(600_000);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(2, _port.Subscribed.Count); // a Command that came meanwhile is not missed
    }

    [Fact]
    public void Publish_NoAnswer_ConnectionIsGivenUpAndTheBatchComesAgain()
    {
        Rig rig = NewRig();
        _port.Acks = false;
        RecordBatches(rig, 1);
        rig.Run(30_000);
        Assert.Equal(1, _port.Attempts);
        rig.Run(60_000);
        _port.Acks = true;
        rig.Run(600_000);
        Assert.True(_port.Attempts > 1);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Publish_ClientTakesNothing_KeptUntilItDoes()
    {
        Rig rig = NewRig();
        _port.Takes = false;
        RecordBatches(rig, 3);
        rig.Run(600_000);
        Assert.Empty(_port.Published);
        Assert.Equal(3, rig.Client.ReadCounters().Spooled);

        _port.Takes = true;
        rig.Run(600_000);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(3, Rig.Samples(_port.Batches).Count);
    }

    [Fact]
    public void Publish_ServersLimits_AreKept()
    {
        Rig rig = NewRig();
        _port.LimitTo(receiveMaximum: 2, packetBytes: 1000);
        _port.Acks = false;
        RecordBatches(rig, 4);
        rig.Run(1000);
        Assert.Equal(2, _port.Batches.Count());
        _port.Ack(_port.Published.First(message => message.Id != 0).Id);
        rig.Run(1000);
        Assert.Equal(3, _port.Batches.Count());

        _port.LimitTo(receiveMaximum: 16, packetBytes: 20);
        rig.Run(1000);
        Assert.Equal(3, _port.Batches.Count());
        foreach (int id in _port.Published.Where(message => message.Id != 0).Select(message => message.Id).ToArray()) _port.Ack(id);
        rig.Run(1000);
        Assert.Equal(1, rig.Client.ReadCounters().DroppedTotal); // too large for this server, and told
        rig.AssertConserved();
    }

    [Fact]
    public void Connect_BadCredentials_TriesAtMostOnceAnHour()
    {
        Rig rig = NewRig();
        _port.RefuseCode = 0x86;
        rig.Run(24 * 3_600_000L);
        Assert.InRange(_port.Attempts, 12, 25);
    }

    [Fact]
    public void Connect_BusyWithASlot_ComesBackThen()
    {
        Rig rig = NewRig();
        (_port.RefuseCode, _port.RefuseSlotMs) = (0x97, 40_000);
        rig.Run(39_000);
        Assert.Equal(1, _port.Attempts);
        _port.RefuseCode = 0;
        rig.Run(2000);
        Assert.Equal(2, _port.Attempts);
        Assert.True(rig.Client.IsConnected);
    }

    [Fact]
    public void Command_ArrivesAndIsDone_LongOnesAreSkippedAndCounted()
    {
        Rig rig = NewRig();
        _port.Command = new Command { Version = 1, WithdrawnSignals = { Rig.Door } }.ToByteArray();
        rig.Run(1000);
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.Equal(1, rig.Client.ReadCounters().Commands);
        Assert.DoesNotContain(Rig.Samples(_port.Batches), sample => sample.Signal == Rig.Door);

        Assert.True(_port.Send(new byte[4097]));
        Assert.True(_port.Send(new Command { Version = 2 }.ToByteArray()));
        rig.Run(60_000);
        Assert.Equal(1, rig.Client.ReadCounters().SkippedCommands);
        Assert.Equal(2, rig.Client.ReadCounters().Commands);
    }

    [Fact]
    public void Command_Flood_IsRefusedAtTheBoundAndLosesNothing()
    {
        Rig rig = NewRig();
        rig.Run(1000);
        byte[] command = new Command { Version = 1 }.ToByteArray();
        int taken = 0;
        while (_port.Send(command)) taken++;
        Assert.Equal(40, taken);
        _port.Ack(1); // no room for an ack: the connection is given up rather than a batch forgotten
        RecordBatches(rig, 1);
        rig.Run(600_000);
        Assert.Equal(2, _port.Attempts);
        Assert.True(rig.Client.IsDrained);
    }

    [Fact]
    public void Options_BothWaysOrNone_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new Rig(options => options.MessagePort = _port));
        Assert.Throws<ArgumentException>(() => new Rig(options => options.Transport = null));
    }

    private Rig NewRig() => new(options => (options.Transport, options.MessagePort) = (null, _port));

    private static void RecordBatches(Rig rig, int count)
    {
        for (int i = 0; i < count; i++)
        {
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }
    }
}
