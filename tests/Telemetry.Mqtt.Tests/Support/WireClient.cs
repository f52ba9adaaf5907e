using System.Net.Sockets;
using System.Text;

namespace Telemetry.Mqtt.Tests;

/// <summary>A socket and the bytes of the standard, written out by hand: what a test sends is what it shows.</summary>
internal sealed class WireClient : IAsyncDisposable
{
    /// <summary>What a server may say in DISCONNECT (MQTT 5.0 [MQTT-3.14.2-1], section 3.14.2.1); clients fail on anything else.</summary>
    private static readonly byte[] DisconnectReasons =
    [
        0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ];

    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;

    private WireClient(TcpClient tcp)
    {
        _tcp = tcp;
        _stream = tcp.GetStream();
    }

    public byte Version { get; set; }
    public bool IsSessionPresent { get; set; }

    public static async Task<WireClient> OpenAsync(int port)
    {
        TcpClient tcp = new() { NoDelay = true };
        await tcp.ConnectAsync("127.0.0.1", port);
        return new WireClient(tcp);
    }

    /// <summary>The other end of a socket that was accepted, for a test that plays the broker.</summary>
    public static async Task<WireClient> AcceptAsync(TcpListener listener)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        TcpClient tcp = await listener.AcceptTcpClientAsync(limit.Token);
        tcp.NoDelay = true;
        return new WireClient(tcp);
    }

    public async Task SendAsync(params byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>Sends to a server that may have closed already.</summary>
    public async Task SendWhileOpenAsync(byte[] bytes)
    {
        try
        {
            await SendAsync(bytes);
        }
        catch (IOException)
        {
            // Closed, as it may be.
        }
    }

    /// <summary>Reads one whole packet: fixed header and body. Fails after <see cref="TestLimits.Answer"/> or if the socket closes first.</summary>
    public async Task<byte[]> ReadPacketAsync()
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        List<byte> packet = [];
        byte[] one = new byte[1];
        int length = 0, shift = 0;
        do
        {
            await _stream.ReadExactlyAsync(one, limit.Token);
            packet.Add(one[0]);
            if (packet.Count == 1) continue;
            length |= (one[0] & 0x7F) << shift;
            shift += 7;
        }
        while (packet.Count == 1 || one[0] >= 0x80);

        byte[] body = new byte[length];
        await _stream.ReadExactlyAsync(body, limit.Token);
        return [.. packet, .. body];
    }

    /// <summary>Expects exactly these bytes as the next packet.</summary>
    public async Task ExpectAsync(params byte[] packet) => Assert.Equal(Convert.ToHexString(packet), Convert.ToHexString(await ReadPacketAsync()));

    /// <summary>Expects that nothing was sent before the answer to a PINGREQ.</summary>
    public async Task ExpectNothingAsync()
    {
        await SendAsync(0xC0, 0);
        await ExpectAsync(0xD0, 0);
    }

    /// <summary>Expects the end of the stream, and nothing before it.</summary>
    public async Task ExpectClosedAsync()
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        byte[] one = new byte[1];
        try
        {
            Assert.Equal(0, await _stream.ReadAsync(one, limit.Token));
        }
        catch (IOException)
        {
            // A reset is a close, too.
            Assert.False(limit.IsCancellationRequested);
        }
    }

    /// <summary>Expects DISCONNECT with this reason code, then the end.</summary>
    public async Task ExpectDisconnectAsync(byte reason)
    {
        byte[] packet = await ReadPacketAsync();
        Assert.Equal(0xE0, packet[0]);
        Assert.Contains(Bytes.Body(packet)[0], DisconnectReasons);
        Assert.Equal(reason.ToString("X2"), Bytes.Body(packet)[0].ToString("X2"));
        await ExpectClosedAsync();
    }

    /// <summary>Breaks the connection without DISCONNECT.</summary>
    public void Break() => _tcp.Client.Close(0);

    public ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Builders of the packets a client sends.</summary>
internal static class Bytes
{
    public static byte[] Text(string text) => [(byte)(Encoding.UTF8.GetByteCount(text) >> 8), (byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    /// <summary>What follows the fixed header.</summary>
    public static byte[] Body(byte[] packet) => packet[(1 + packet.Skip(1).TakeWhile(one => one >= 0x80).Count() + 1)..];

    public static byte[] Packet(byte first, params byte[] body) => [first, .. Length(body.Length), .. body];

    public static byte[] Length(int value)
    {
        List<byte> bytes = [];
        do
        {
            bytes.Add((byte)(value % 128 | (value >= 128 ? 0x80 : 0)));
            value /= 128;
        }
        while (value > 0);
        return [.. bytes];
    }

    /// <summary>A PUBLISH; properties only in version 5.</summary>
    public static byte[] Publish(byte version, string topic, string payload, int qos = 1, ushort id = 1, byte[]? properties = null, bool retain = false, bool dup = false)
    {
        byte first = (byte)(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0));
        byte[] identifier = qos > 0 ? [(byte)(id >> 8), (byte)id] : [];
        byte[] props = version == 5 ? [.. Length(properties?.Length ?? 0), .. properties ?? []] : [];
        return Packet(first, [.. Text(topic), .. identifier, .. props, .. Encoding.UTF8.GetBytes(payload)]);
    }

    public static byte[] Subscribe(byte version, ushort id, string filter, byte options = 1, byte[]? properties = null)
    {
        byte[] props = version == 5 ? [.. Length(properties?.Length ?? 0), .. properties ?? []] : [];
        return Packet(0x82, [(byte)(id >> 8), (byte)id, .. props, .. Text(filter), options]);
    }

    public static byte[] Unsubscribe(byte version, ushort id, string filter)
    {
        byte[] props = version == 5 ? [0] : [];
        return Packet(0xA2, [(byte)(id >> 8), (byte)id, .. props, .. Text(filter)]);
    }
}

/// <summary>The fields of a CONNECT, all of them open to a test's mischief.</summary>
internal sealed class ConnectBytes
{
    public string Protocol { get; set; } = "MQTT";
    public byte Version { get; set; } = 5;
    public byte? Flags { get; set; }
    public bool CleanStart { get; set; } = true;
    public ushort KeepAlive { get; set; }
    public byte[] Properties { get; set; } = [];
    public string ClientId { get; set; } = "";
    public (string Topic, string Payload)? Will { get; set; }
    public byte WillQos { get; set; }
    public byte[] WillProperties { get; set; } = [];
    public string? UserName { get; set; }
    public string? Password { get; set; }

    public static ConnectBytes Of(string device, byte version = 5) => new()
    {
        Version = version,
        ClientId = "acme_" + device,
        UserName = "acme/" + device,
        Password = "secret-of-acme/" + device,
    };

    public byte[] ToArray()
    {
        int flags = (UserName is null ? 0 : 0x80) | (Password is null ? 0 : 0x40) | (Will is null ? 0 : 0x04 | (WillQos << 3)) | (CleanStart ? 2 : 0);
        List<byte> body = [.. Bytes.Text(Protocol), Version, Flags ?? (byte)flags, (byte)(KeepAlive >> 8), (byte)KeepAlive];
        if (Version == 5) body.AddRange([.. Bytes.Length(Properties.Length), .. Properties]);
        body.AddRange(Bytes.Text(ClientId));
        if (Will is { } will)
        {
            if (Version == 5) body.AddRange([.. Bytes.Length(WillProperties.Length), .. WillProperties]);
            body.AddRange([.. Bytes.Text(will.Topic), .. Bytes.Text(will.Payload)]);
        }

        if (UserName is not null) body.AddRange(Bytes.Text(UserName));
        if (Password is not null) body.AddRange(Bytes.Text(Password));
        return Bytes.Packet(0x10, [.. body]);
    }
}

internal static class TestLimits
{
    /// <summary>No answer takes this long, on no machine under any load; a test that waits for it fails.</summary>
    public static readonly TimeSpan Answer = TimeSpan.FromSeconds(100);
}
