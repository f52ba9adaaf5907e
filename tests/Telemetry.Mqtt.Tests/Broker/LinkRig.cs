using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Mqtt.Broker;

namespace Telemetry.Mqtt.Tests.Broker;

/// <summary>A link under test, an ingest that moves when told, and a test that plays the broker byte by byte.</summary>
internal sealed class LinkRig : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    private LinkRig(Func<BrokerOptions, BrokerOptions>? change, TimeProvider? time, bool isDurableAtOnce)
    {
        _listener.Start();
        Ingest = new ManualIngest { IsDurableAtOnce = isDurableAtOnce };
        BrokerOptions options = new()
        {
            Url = new Uri($"mqtt://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}"),
            ClientId = "collector-1",
            FirstRetryDelay = TimeSpan.FromMilliseconds(1),
            LongestRetryDelay = TimeSpan.FromMilliseconds(2),
        };
        Link = new BrokerLink(change?.Invoke(options) ?? options, Ingest, time ?? TimeProvider.System, NullLogger<BrokerLink>.Instance);
    }

    public ManualIngest Ingest { get; }
    public BrokerLink Link { get; }

    public static async Task<LinkRig> StartAsync(Func<BrokerOptions, BrokerOptions>? change = null, TimeProvider? time = null, bool isDurableAtOnce = true)
    {
        LinkRig rig = new(change, time, isDurableAtOnce);
        await rig.Link.StartAsync(CancellationToken.None);
        return rig;
    }

    /// <summary>The link's next connection, nothing read yet.</summary>
    public Task<WireClient> AcceptAsync() => WireClient.AcceptAsync(_listener);

    /// <summary>The link's next connection after CONNECT, CONNACK, SUBSCRIBE, SUBACK.</summary>
    public async Task<WireClient> AcceptSubscribedAsync(byte version = 5, bool isSessionPresent = false)
    {
        WireClient broker = await AcceptAsync();
        broker.Version = version;
        Assert.Equal(0x10, (await broker.ReadPacketAsync())[0]);
        byte[] properties = version == 5 ? [0] : [];
        await broker.SendAsync(Bytes.Packet(0x20, [isSessionPresent ? (byte)1 : (byte)0, 0, .. properties]));
        Assert.Equal(0x82, (await broker.ReadPacketAsync())[0]);
        await broker.SendAsync(Bytes.Packet(0x90, [0, 1, .. properties, 1, 1]));
        return broker;
    }

    /// <summary>Waits until the link says what the test waits for.</summary>
    public async Task<BrokerHealth> HealthAsync(Predicate<BrokerHealth> isAsExpected)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (true)
        {
            BrokerHealth health = Link.Health;
            if (isAsExpected(health)) return health;
            Assert.False(limit.IsCancellationRequested, $"The link is not as expected: {health}.");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A link that stops waits for the flush of what it took.
        Ingest.MakeDurable(long.MaxValue);
        await Link.StopAsync(CancellationToken.None);
        Link.Dispose();
        _listener.Dispose();
    }
}
