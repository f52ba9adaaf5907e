using System.Net;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Log.Disk;
using Telemetry.Mqtt;
using Telemetry.Mqtt.Listening;
using Telemetry.Mqtt.Tests;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>
/// Ten times what fits comes over MQTT while the disk stands still: counted, not timed. The bench of the same name measures memory, goodput and waiting.
/// </summary>
public sealed class OverloadTests
{
    private const int BufferBytes = 1 << 20;
    private const int PayloadBytes = 30_000;
    private const int LoudDevices = 20, BatchesEach = 20; // 12 MB at two buffers of 1 MiB
    private const int QuietBatches = 5;
    private const byte Success = 0, QuotaExceeded = 0x97;
    private const uint Epoch = 7;

    [Fact]
    public async Task Overload_TenTimesTheBuffer_RefusesInTheProtocolsWordsAndLosesNothingAcked()
    {
        using TempFolder folder = new();
        using GatedDisk disk = new(folder.File("log"));
        using DeviceRegistry registry = DeviceRegistry.Open(folder.File("registry.db"), TimeProvider.System);
        NewCredentials[] loud = Register(registry, "loud", LoudDevices), quiet = Register(registry, "quiet", 1);
        BlockLog log = BlockLog.Open(new BlockLogOptions { Disk = disk, BufferBytes = BufferBytes });
        IngestService ingest = IngestService.Open(log, registry);
        using IHost host = await ServeAsync(ingest);
        Device[] flood = await Task.WhenAll(loud.Select(one => Device.ConnectAsync(host, one)));
        Device calm = (await Task.WhenAll(quiet.Select(one => Device.ConnectAsync(host, one)))).Single();

        disk.Close();
        await Task.WhenAll(flood.Select(device => device.PublishAsync(1, BatchesEach)));
        await CountedAsync(ingest, LoudDevices * BatchesEach);
        IngestCounts flooded = ingest.Counts;
        Assert.True(flooded is { Stored: > 0, Refused: > 0, Duplicate: 0, DeadLettered: 0 }, flooded.ToString());
        Assert.InRange(flooded.StoredBytes, 1, 2 * BufferBytes);
        Assert.InRange(log.WaitingBytes, 1, BufferBytes);

        // The quiet brand finds room behind the flood.
        await calm.PublishAsync(1, QuietBatches);
        await CountedAsync(ingest, (LoudDevices * BatchesEach) + QuietBatches);
        Assert.Equal((flooded.Stored + QuietBatches, flooded.Refused), (ingest.Counts.Stored, ingest.Counts.Refused));

        // Nothing is flushed, so nobody was told that a batch is safe; who hears anything hears that it is too much.
        foreach (Device device in flood.Append(calm)) Assert.DoesNotContain(Success, await device.AnswersSoFarAsync());

        disk.Open();
        foreach (Device device in flood) await device.SendUntilAllAckedAsync();
        await calm.AnsweredAsync();
        Assert.Equal(QuietBatches, calm.Acked.Count);
        Assert.True(ingest.Counts.IsConserved, ingest.Counts.ToString());
        Assert.Equal(flooded.Refused, flood.Sum(device => device.RefusedAtFirst));
        Assert.InRange(disk.MostBytesWritten, 1, BufferBytes);

        await host.StopAsync(new CancellationToken(canceled: true));
        ingest.Dispose();
        log.Dispose();
        FolderInspection found = FolderInspection.Of(new FileLogDisk(folder.File("log")));
        Assert.True(found is { Duplicates: 0, Missing: 0, DeadLetters: 0, UnreadableBatches: 0 }, found.ToString());
        Assert.Equal((LoudDevices * BatchesEach) + QuietBatches, found.Batches);
    }

    private static NewCredentials[] Register(DeviceRegistry registry, string brand, int devices)
    {
        registry.PutBrand(brand, brand);
        registry.PutModel(brand, PeerBatches.ProfileJson);
        return [.. registry.AddDevices([.. Enumerable.Range(1, devices).Select(number => new NewDevice(brand, $"d{number}", "peer"))])];
    }

    private static async Task<IHost> ServeAsync(IIngest ingest)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton(ingest);
        builder.Services.AddMqttEndpoint();
        builder.Services.AddMqttListener(new IPEndPoint(IPAddress.Loopback, 0));
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task CountedAsync(IngestService ingest, long received)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        for (; ingest.Counts.Received < received; await Task.Yield()) limit.Token.ThrowIfCancellationRequested();
        Assert.Equal(received, ingest.Counts.Received);
    }

    /// <summary>A device of MQTT 5 that keeps what is not acknowledged.</summary>
    private sealed class Device
    {
        private readonly WireClient _client;
        private readonly byte[] _topic;
        private int _unanswered;
        private int _sealed;

        private Device(WireClient client, string username) => (_client, _topic) = (client, Bytes.Text($"t1/{username}/up"));

        public HashSet<int> Acked { get; } = [];

        /// <summary>Refusals among the answers to what was sent before the disk moved.</summary>
        public int RefusedAtFirst { get; private set; }

        public static async Task<Device> ConnectAsync(IHost host, NewCredentials credentials)
        {
            WireClient client = await WireClient.OpenAsync(host.Services.GetRequiredService<MqttListener>().Address.Port);
            await client.SendAsync(new ConnectBytes { ClientId = credentials.Username.Replace('/', '_'), UserName = credentials.Username, Password = credentials.Secret }.ToArray());
            Assert.Equal(0x20, (await client.ReadPacketAsync())[0]);
            return new Device(client, credentials.Username);
        }

        public async Task PublishAsync(int first, int count)
        {
            _sealed = first + count - 1;
            for (int seq = first; seq <= _sealed; seq++) await PublishOneAsync(seq);
        }

        /// <summary>Codes of the acknowledgements that are here, in order; the answer to a PINGREQ comes behind them.</summary>
        public async Task<byte[]> AnswersSoFarAsync()
        {
            List<byte> codes = [];
            await _client.SendAsync(0xC0, 0);
            for (byte[] packet = await _client.ReadPacketAsync(); packet[0] != 0xD0; packet = await _client.ReadPacketAsync()) codes.Add(Take(packet));
            return [.. codes];
        }

        public async Task AnsweredAsync()
        {
            while (_unanswered > 0) Take(await _client.ReadPacketAsync());
        }

        /// <summary>What a device does: send again what was refused, until everything is acknowledged.</summary>
        public async Task SendUntilAllAckedAsync()
        {
            await AnsweredAsync();
            RefusedAtFirst = _sealed - Acked.Count;
            while (Acked.Count < _sealed)
            {
                foreach (int seq in Enumerable.Range(1, _sealed).Except(Acked).ToArray()) await PublishOneAsync(seq);
                await AnsweredAsync();
            }
        }

        private async Task PublishOneAsync(int seq)
        {
            _unanswered++;
            byte[] batch = PeerBatches.Seal(new Batch
            {
                Epoch = Epoch,
                Seq = (ulong)seq,
                Boot = 1,
                Profile = PeerBatches.ProfileHash,
                Clock = new Clock { WallUnixMs = 1_700_000_000_000, UptimeMs = 5_000, ErrorMs = 100, Source = ClockSource.Ntp },
                Blocks = { ByteString.CopyFrom(new byte[PayloadBytes]) },
            });
            await _client.SendAsync(Bytes.Packet(0x32, [.. _topic, (byte)(seq >> 8), (byte)seq, 0, .. batch]));
        }

        // PUBACK: 40, length, packet identifier = seq, and a code unless it is success.
        private byte Take(byte[] packet)
        {
            Assert.Equal(0x40, packet[0]);
            byte code = packet.Length > 4 ? packet[4] : Success;
            Assert.True(code is Success or QuotaExceeded, $"PUBACK with 0x{code:X2}");
            if (code == Success) Acked.Add((packet[2] << 8) | packet[3]);
            _unanswered--;
            return code;
        }
    }
}
