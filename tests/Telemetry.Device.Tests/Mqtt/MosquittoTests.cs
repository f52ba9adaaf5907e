using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Testing;

namespace Telemetry.Device.Tests.Mqtt;

/// <summary>The client against a broker that we did not write.</summary>
public sealed class MosquittoTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    [RealPartFact("mosquitto")]
    public void Publish_RealBroker311_EveryBatchIsAcked() => EveryBatchIsAcked(4);

    [RealPartFact("mosquitto")]
    public void Publish_RealBroker5_EveryBatchIsAcked() => EveryBatchIsAcked(5);

    [RealPartFact("mosquitto")]
    public void Publish_BrokerKilledAndRestarted311_TheRestIsDelivered() => TheRestIsDelivered(4);

    [RealPartFact("mosquitto")]
    public void Publish_BrokerKilledAndRestarted5_TheRestIsDelivered() => TheRestIsDelivered(5);

    private static void EveryBatchIsAcked(int version)
    {
        using Broker broker = new();
        using SocketTransport transport = new();
        TelemetryClient client = ClientFor(broker.Port, transport, version);
        for (int i = 0; i < 50; i++)
        {
            client.Record(Rig.Door, i & 1);
            client.Flush();
        }

        Turn(client, () => client.IsDrained);
        Assert.Equal(50, client.ReadCounters().AckedBatches);
        client.Stop();
    }

    private static void TheRestIsDelivered(int version)
    {
        using SocketTransport transport = new();
        TelemetryClient client;
        using (Broker first = new())
        {
            client = ClientFor(first.Port, transport, version);
            Turn(client, () => client.IsConnected);
            client.Record(Rig.Door, 1);
            client.Flush();
            Turn(client, () => client.IsDrained);
            first.Kill();
            client.Record(Rig.Door, 0);
            client.Flush();
            Turn(client, () => !client.IsConnected);
            using Broker second = new(first.Port);
            Turn(client, () => client.IsDrained);
        }

        Assert.Equal(2, client.ReadCounters().AckedBatches);
        client.Stop();
    }

    private static TelemetryClient ClientFor(int port, ITransport transport, int version) => new(new TelemetryOptions
    {
        Brand = "acme",
        Device = "dev",
        Secret = "s",
        Host = "127.0.0.1",
        Port = port,
        ProtocolVersion = version,
        Clock = new SystemClock(trustsWall: false),
        Flash = new MemoryFlash(256, 4096, 16),
        Transport = transport,
        Profile = Rig.Signals(),
        Seed = 5,
    });

    private static void Turn(TelemetryClient client, Func<bool> until)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!until())
        {
            client.UploadNow();
            client.Step();
            Assert.True(watch.Elapsed < Limit, "the client did not get there in time");
            Thread.Yield();
        }
    }

    /// <summary>mosquitto on loopback with a configuration of its own, stopped by its process.</summary>
    private sealed class Broker : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("mosquitto").FullName;
        private readonly Process _process;

        public Broker(int port = 0)
        {
            if (port == 0)
            {
                // mosquitto cannot say which port it got for 0, so a free one is looked up.
                using TcpListener probe = new(IPAddress.Loopback, 0);
                probe.Start();
                port = ((IPEndPoint)probe.LocalEndpoint).Port;
            }

            Port = port;
            string file = Path.Combine(_folder, "m.conf");
            File.WriteAllText(file, $"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n");
            _process = Process.Start(new ProcessStartInfo(RealParts.PathOf("mosquitto")!, ["-v", "-c", file]) { RedirectStandardError = true })!;
            Task<string?> line;
            do
            {
                line = _process.StandardError.ReadLineAsync();
                Assert.True(line.Wait(Limit), "mosquitto says nothing");
                Assert.NotNull(line.Result);
            }
            while (!line.Result!.Contains("running", StringComparison.Ordinal));
            _ = _process.StandardError.ReadToEndAsync();
        }

        public int Port { get; }

        public void Kill()
        {
            _process.Kill();
            _process.WaitForExit();
        }

        public void Dispose()
        {
            if (!_process.HasExited) Kill();
            _process.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
