using System.Diagnostics;
using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>What the client does with every broker. Each real one runs all of it, in both versions of MQTT where it speaks both.</summary>
/// <remarks>The client's clock of the link is virtual: it stands still while a connection is up or coming up, so nothing times out on a busy machine.</remarks>
internal static class BrokerContract
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);
    private static int s_devices;

    /// <summary>Batches of one sample that <see cref="KeepsAsync"/> delivers: published, resumed, half-open, cut, killed. The wrong secret gets nothing in.</summary>
    public const int Batches = 50 + 2 + 2 + (3 * 60) + 6;

    /// <summary>All of it, in one version of MQTT: 4 or 5.</summary>
    public static async Task KeepsAsync(ITestBroker broker, int version)
    {
        EveryBatchIsAcked(broker, version);
        ABrokenConnectionIsResumed(broker, version);
        AWrongSecretIsTriedOnceAnHour(broker, version);
        AHalfOpenLinkIsGivenUp(broker, version);
        CutsAtRandomBytesLoseNothing(broker, version);
        await AfterAKillTheRestIsSentAgainAsync(broker, version);
    }

    /// <summary>Publish: every batch is acked, once.</summary>
    public static void EveryBatchIsAcked(ITestBroker broker, int version)
    {
        using Rig rig = new(broker, version);
        rig.Record(50);
        rig.Turn(() => rig.Client.IsDrained);
        Assert.Equal(50, rig.Client.ReadCounters().AckedBatches);
        Assert.Equal(50, rig.Client.ReadCounters().SentBatches);
    }

    // A broker is killed with batches in flight whose acks nobody saw: when it is back they are sent again.
    private static async Task AfterAKillTheRestIsSentAgainAsync(ITestBroker broker, int version)
    {
        using Rig rig = new(broker, version);
        rig.Record(1);
        rig.Turn(() => rig.Client.IsDrained);
        rig.Link.IsDeaf = true;
        rig.Record(5);
        rig.Turn(() => rig.Client.ReadCounters().SentBatches == 6);
        await broker.KillAsync();
        rig.Link.Close(); // with the acks that waited in the socket
        rig.Turn(() => !rig.Client.IsConnected);
        Assert.Equal(1, rig.Client.ReadCounters().AckedBatches);
        await broker.StartAgainAsync();
        rig.MsOfASilentSecond = 3000; // what the broker never answers is to be given up
        rig.Turn(() => rig.Client.IsDrained);
        Assert.Equal(6, rig.Client.ReadCounters().AckedBatches);
        Assert.True(rig.Client.ReadCounters().SentBatches >= 11, "the five batches in flight were not sent again");
        rig.AssertConserved();
    }

    // A connection that broke is resumed: the broker still has the session.
    private static void ABrokenConnectionIsResumed(ITestBroker broker, int version)
    {
        using Rig rig = new(broker, version);
        rig.Record(1);
        rig.Turn(() => rig.Client.IsDrained);
        rig.Link.Close();
        rig.Record(1);
        rig.Turn(() => rig.Client.IsDrained && rig.Link.Connects == 2);
        Assert.Equal(1, rig.Link.ConnackFlags);
    }

    // A wrong secret is tried once, and again after an hour or two.
    private static void AWrongSecretIsTriedOnceAnHour(ITestBroker broker, int version)
    {
        using Rig rig = new(broker, version, secret: "not-" + broker.Secret);
        rig.Record(1);
        rig.Turn(() => rig.Link.Connects == 1 && !rig.Link.IsOpen);
        for (int minute = 0; minute < 59; minute++)
        {
            rig.LinkClock.Advance(60_000);
            rig.Client.Step();
        }

        Assert.Equal(1, rig.Link.Connects);
        rig.LinkClock.Advance(2 * 3_600_000);
        rig.Turn(() => rig.Link.Connects == 2 && !rig.Link.IsOpen);
        Assert.Equal(0, rig.Client.ReadCounters().AckedBatches);
        Assert.Equal(1, rig.Client.SpooledBatches);
    }

    // A link that is dead and does not say so is given up, and the batch delivered.
    private static void AHalfOpenLinkIsGivenUp(ITestBroker broker, int version)
    {
        using Rig rig = new(broker, version);
        rig.Turn(() => rig.Client.IsConnected);
        rig.Record(1);
        rig.Turn(() => rig.Client.IsDrained);
        rig.Link.IsDead = true;
        rig.Record(1);
        for (int second = 0; second < 30 && rig.Link.IsDead; second++)
        {
            rig.Client.Step();
            rig.LinkClock.Advance(1000);
        }

        Assert.False(rig.Link.IsDead, "the client still believes in the link after 30 s without an answer");
        rig.Turn(() => rig.Client.IsDrained);
        Assert.Equal(2, rig.Client.ReadCounters().AckedBatches);
    }

    // The socket is cut at random bytes, in the middle of anything: everything arrives, and is counted once.
    private static void CutsAtRandomBytesLoseNothing(ITestBroker broker, int version)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            using Rig rig = new(broker, version, seed: seed);
            rig.Link.CutEvery(mostBytes: 700, cuts: 25);
            for (int part = 0; part < 10; part++)
            {
                rig.Record(6);
                rig.Turn(() => rig.Client.IsDrained);
            }

            Assert.True(rig.Client.ReadCounters().AckedBatches == 60, $"seed {seed}: {rig.Client.ReadCounters().AckedBatches} of 60 batches acked");
            Assert.True(rig.Link.Connects > 5, $"seed {seed}: only {rig.Link.Connects} connections");
            rig.AssertConserved();
        }
    }

    private sealed class Rig : IDisposable
    {
        private readonly ITestBroker _broker;
        private readonly ManualClock _clock = new(0);
        private int _recorded;

        public Rig(ITestBroker broker, int version, string? secret = null, int seed = 1)
        {
            _broker = broker;
            Link = new UnreliableTransport(seed);
            Client = new TelemetryClient(new TelemetryOptions
            {
                Brand = broker.Brand,
                Device = broker.Device,
                Secret = secret ?? broker.Secret,
                Host = "127.0.0.1",
                Port = broker.Port,
                ProtocolVersion = version,
                Clock = _clock,
                LinkClock = LinkClock,
                Flash = new MemoryFlash(256, 4096, 32),
                Transport = Link,
                Profile = broker.Profile,
                UploadIntervalMs = 0,

                // A new device each time: its epoch must not repeat at a collector that remembers the last one's.
                Seed = Interlocked.Increment(ref s_devices),
            });
        }

        public UnreliableTransport Link { get; }

        public ManualClock LinkClock { get; } = new(0);

        public TelemetryClient Client { get; }

        public void Record(int batches)
        {
            for (int i = 0; i < batches; i++)
            {
                _clock.Advance(1000);
                Client.Record(_broker.Signal, _recorded++ & 1);
                Client.Flush();
            }
        }

        /// <summary>How far the link's clock goes in a second while a connection is up; 0 = it stands.</summary>
        public int MsOfASilentSecond { get; set; }

        public void Turn(Func<bool> until)
        {
            Stopwatch watch = Stopwatch.StartNew();
            long told = 0;
            while (!until())
            {
                int wait = Client.Step();
                long due = (long)(watch.Elapsed.TotalSeconds * MsOfASilentSecond);
                LinkClock.Advance(Link.IsOpen ? due - told : Math.Max(1, wait)); // to the next attempt
                told = due;
                Assert.True(watch.Elapsed < Limit, $"not there in time; connected {Client.IsConnected}, {Link.Connects} connections, {Client.SpooledBatches} batches spooled");
                Thread.Yield();
            }
        }

        public void AssertConserved()
        {
            TelemetryCounters counters = Client.ReadCounters();
            Assert.Equal(counters.Recorded, counters.Acked + counters.Spooled + counters.Open + counters.DroppedTotal);
        }

        public void Dispose()
        {
            Client.Stop();
            Link.Dispose();
        }
    }
}
