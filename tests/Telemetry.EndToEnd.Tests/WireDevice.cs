using Google.Protobuf;
using Telemetry.Mqtt.Tests;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A device of MQTT 5 that keeps what is not acknowledged.</summary>
internal sealed class WireDevice
{
    /// <summary>Codes of PUBACK.</summary>
    public const byte Success = 0, QuotaExceeded = 0x97;

    private const int PayloadBytes = 30_000;
    private const uint Epoch = 7;

    private readonly WireClient _client;
    private readonly byte[] _topic;
    private int _unanswered;
    private int _sealed;

    private WireDevice(WireClient client, string username) => (_client, _topic) = (client, Bytes.Text($"t1/{username}/up"));

    public HashSet<int> Acked { get; } = [];

    /// <summary>Refusals among the answers to what was sent before the disk moved.</summary>
    public int RefusedAtFirst { get; private set; }

    public static async Task<WireDevice> ConnectAsync(int port, string username, string secret)
    {
        WireClient client = await WireClient.OpenAsync(port);
        await client.SendAsync(new ConnectBytes { ClientId = username.Replace('/', '_'), UserName = username, Password = secret }.ToArray());
        Assert.Equal(0x20, (await client.ReadPacketAsync())[0]);
        return new WireDevice(client, username);
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
