using System.Diagnostics;
using System.Text;
using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Mqtt.Tests;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.Devices;
using Telemetry.Testing;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>The collector tells its devices over how long to spread their way back; the more there are, the longer; and they do.</summary>
public sealed class ReconnectWindowTests
{
    private const int Fleet = 60, Rate = 10, WindowMs = 2_000 * Fleet / Rate, Losses = 20;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Fleet_Grows_ConnectedDevicesAreToldAndSpreadTheirWayBack(byte version)
    {
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]) with { ReconnectsPerSecond = Rate });
        string[] secrets = await AddDevicesAsync(host);
        using Band band = new(host.MqttAddress!.Port, secrets[0], version);
        await using WireClient watching = await ConnectAsync(host, secrets[1], device: 1, version, expectedWindowMs: 2_000);
        await watching.SendAsync(Bytes.Packet(0x82, [0, 1, .. version == 5 ? (byte[])[0] : [], .. Bytes.Text("t1/acme/d1/down"), 1]));
        Assert.Equal(0x90, (await watching.ReadPacketAsync())[0]);
        Assert.Equal(2_000, await ToldAsync());

        for (int device = 1; device < Fleet; device++)
        {
            WireDevice sender = await WireDevice.ConnectAsync(host.MqttAddress.Port, $"acme/d{device}", secrets[device]);
            await sender.PublishAsync(1, 1);
            await sender.AnsweredAsync();
        }

        // Told again until what it was told is less than a quarter short; each round began a quarter above the last, so 6 times the window takes 8 at most.
        int rounds = 0;
        for (int told = 2_000; told * 1.25 <= WindowMs; rounds++)
        {
            int next = await ToldAsync();
            Assert.InRange(next, told, WindowMs);
            told = next;
        }

        Assert.InRange(rounds, 1, 8);
        int[] waitsMs = [.. Enumerable.Range(0, Losses).Select(_ => band.LoseLink())];
        Assert.All(waitsMs, waitMs => Assert.InRange(waitMs, 0, WindowMs));
        Assert.Contains(waitsMs, waitMs => waitMs > WindowMs / 3); // a device that was told nothing waits 2 s at most
        await using WireClient late = await ConnectAsync(host, secrets[2], device: 2, version, WindowMs);

        async Task<int> ToldAsync()
        {
            byte[] packet = await watching.ReadPacketAsync();
            Assert.Equal(0x32, packet[0] & 0xF6);
            byte[] body = Bytes.Body(packet);
            int id = 2 + body[1];
            await watching.SendAsync(0x40, 2, body[id], body[id + 1]);
            return (int)Command.Parser.ParseFrom(body.AsSpan(id + (version == 5 ? 3 : 2))).ReconnectWindow.WindowMs;
        }
    }

    private static async Task<WireClient> ConnectAsync(CollectorHost host, string secret, int device, byte version, int expectedWindowMs)
    {
        WireClient client = await WireClient.OpenAsync(host.MqttAddress!.Port);
        await client.SendAsync(new ConnectBytes { ClientId = $"watching{device}", UserName = $"acme/d{device}", Password = secret, Version = version }.ToArray());
        string connack = Encoding.Latin1.GetString(await client.ReadPacketAsync());
        if (version == 5) Assert.Contains($"window-ms\0{(char)expectedWindowMs.ToString().Length}{expectedWindowMs}", connack, StringComparison.Ordinal);
        else Assert.Equal("\u0020\u0002\0\0", connack);
        return client;
    }

    private static async Task<string[]> AddDevicesAsync(CollectorHost host)
    {
        using CancellationTokenSource limit = new(s_limit);
        using CollectorApi api = new(new Uri($"http://{host.HttpAddress}/"), host.OperatorToken, TimeProvider.System);
        await api.RegistryAsync<Brand>("PutBrand", new Brand { Id = "acme", Name = "Acme" }, limit.Token);
        await api.RegistryAsync<Model>("PutModel", new PutModelRequest { Brand = "acme", ProfileJson = PeerBatches.ProfileJson }, limit.Token);
        string[] secrets = new string[Fleet];
        for (int device = 0; device < Fleet; device++)
        {
            AddDeviceRequest request = new() { Brand = "acme", Device = $"d{device}", Model = "peer" };
            secrets[device] = (await api.RegistryAsync<DeviceCredentials>("AddDevice", request, limit.Token)).Secret;
        }

        return secrets;
    }

    /// <summary>The SDK on a device: a real link, a clock that moves when told.</summary>
    private sealed class Band : IDisposable
    {
        private readonly ManualClock _clock = new(0);
        private readonly SocketTransport _link = new();
        private readonly TelemetryClient _client;
        private int _nextStepMs;

        public Band(int port, string secret, int version)
        {
            _client = new TelemetryClient(new TelemetryOptions
            {
                Brand = "acme", Device = "d0", Secret = secret, Host = "127.0.0.1", Port = port, ProtocolVersion = version, Clock = _clock, Flash = new MemoryFlash(256, 4096, 32),
                Transport = _link, Profile = new FirmwareTables(ProfileReader.Read(Encoding.UTF8.GetBytes(PeerBatches.ProfileJson)).Profile!).ToProfile(), Seed = version,
            });
            _client.Record(1, 60);
            _client.UploadNow();
            Turn(() => _client.IsDrained && Commands == 1);
        }

        public long Commands => _client.ReadCounters().Commands;

        /// <summary>The link breaks, and the device waits before it comes back.</summary>
        /// <returns>How long, in milliseconds of its clock.</returns>
        public int LoseLink()
        {
            long commands = Commands;
            _link.Close();
            Turn(() => !_client.IsConnected);
            int waitMs = _nextStepMs;
            _clock.Advance(waitMs);
            Turn(() => Commands > commands);
            return waitMs;
        }

        public void Turn(Func<bool> until)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!until())
            {
                _nextStepMs = _client.Step();
                Assert.True(watch.Elapsed < s_limit, "the device is not there in time");
                Thread.Yield();
            }
        }

        public void Dispose()
        {
            _client.Stop();
            _link.Close();
        }
    }
}
