using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Telemetry.Wire;

namespace Telemetry.Bench.Mqtt;

/// <summary>A cheap MQTT 3.1.1 device: bytes by hand on a raw socket, a window of publishes in flight, acknowledgements counted, not decoded.</summary>
internal sealed class LoadClient : IDisposable
{
    /// <summary>A batch of exactly this many bytes is published, header and checksum included.</summary>
    public const int PayloadBytes = 100;

    private const int AckBytes = 4;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _topic;
    private readonly uint _profile;
    private readonly uint _epoch;
    private readonly long[] _sentAt;
    private byte[] _output = [];
    private readonly byte[] _input = new byte[64 * 1024];
    private ulong _seq;
    private ulong _acked;
    private int _partialAck;

    public LoadClient(string topic, uint profile, uint epoch, int window)
    {
        _topic = Encoding.UTF8.GetBytes(topic);
        _profile = profile;
        _epoch = epoch;
        _sentAt = new long[Math.Max(window, 1) * 2];
        Window = window;
    }

    public int Window { get; }
    public long Acked => (long)_acked;

    /// <summary>Stopwatch ticks from publish to acknowledgement, if asked for.</summary>
    public List<long>? Latencies { get; set; }

    /// <summary>Opens the socket and the session.</summary>
    public async Task ConnectAsync(int port, string clientId, string? username, string? secret)
    {
        await _socket.ConnectAsync("127.0.0.1", port);
        List<byte> body = [0, 4, .. "MQTT"u8, 4, (byte)(2 | (username is null ? 0 : 0xC0)), 0, 0, .. Text(clientId)];
        if (username is not null) body.AddRange([.. Text(username), .. Text(secret!)]);
        await _socket.SendAsync(Frame(0x10, [.. body]));
        await ReceiveExactlyAsync(4);
        if (_input[3] != 0) throw new InvalidOperationException($"CONNECT was refused with return code {_input[3]}.");
    }

    /// <summary>Subscribes and waits for the answer and the retained Command behind it.</summary>
    public async Task SubscribeAsync(string filter)
    {
        await _socket.SendAsync(Frame(0x82, [0, 1, .. Text(filter), 0]));
        await ReceiveExactlyAsync(5);
        await ReceiveExactlyAsync(2);
        await ReceiveExactlyAsync(_input[1]);
    }

    /// <summary>Publishes one batch and waits for its acknowledgement.</summary>
    public async Task PublishOneAsync()
    {
        await PublishAsync(1);
        await ReceiveExactlyAsync(AckBytes);
        _acked++;
    }

    /// <summary>Leaves a session at a foreign broker that goes on collecting what is published under <paramref name="filter"/>.</summary>
    public static async Task KeepSessionAsync(int port, string filter)
    {
        using LoadClient keeper = new("", profile: 1, epoch: 1, window: 1);
        await keeper._socket.ConnectAsync("127.0.0.1", port);
        await keeper._socket.SendAsync(Frame(0x10, [0, 4, .. "MQTT"u8, 4, 0, 0, 0, .. Text("bench_keeper")]));
        await keeper.ReceiveExactlyAsync(4);
        if (keeper._input[3] != 0) throw new InvalidOperationException($"CONNECT was refused with return code {keeper._input[3]}.");
        await keeper._socket.SendAsync(Frame(0x82, [0, 1, .. Text(filter), 1]));
        await keeper.ReceiveExactlyAsync(5);
        if (keeper._input[4] > 1) throw new InvalidOperationException($"The subscription to {filter} was refused.");
        await keeper._socket.SendAsync((byte[])[0xE0, 0]);
    }

    /// <summary>Keeps the window full until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        int room = Window;
        while (!stop.IsCancellationRequested)
        {
            if (room > 0) await PublishAsync(room);
            room = await ReceiveAcksAsync(stop);
        }
    }

    /// <summary>Publishes one batch each <paramref name="interval"/> and measures from the time it was due.</summary>
    public async Task RunPacedAsync(TimeSpan interval, CancellationToken stop)
    {
        Latencies = [];
        Task receiving = Task.Run(async () => { while (await ReceiveAcksAsync(stop) >= 0 && !stop.IsCancellationRequested) { } }, CancellationToken.None);
        long due = Stopwatch.GetTimestamp();
        while (!stop.IsCancellationRequested)
        {
            long now = Stopwatch.GetTimestamp();
            int count = 0;
            for (; due <= now && _seq - _acked + (ulong)count < (ulong)_sentAt.Length; due += interval.Ticks * (Stopwatch.Frequency / TimeSpan.TicksPerSecond)) count++;
            if (count > 0) await PublishAsync(count);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }

        await receiving;
    }

    /// <summary>Publishes one batch each <paramref name="interval"/>, one in flight, on the calling thread alone: what it measures is the server, not the load program's own queues.</summary>
    public void RunPacedAlone(TimeSpan interval, CancellationToken stop)
    {
        Latencies = [];
        for (long next = Stopwatch.GetTimestamp(); !stop.IsCancellationRequested; next += (long)(interval.TotalSeconds * Stopwatch.Frequency))
        {
            TimeSpan pause = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next);
            if (pause > TimeSpan.Zero) _socket.Poll(pause, SelectMode.SelectRead); // nothing comes: a wait without a timer's queue
            int bytes = FillOutput(1);
            _socket.Send(_output.AsSpan(0, bytes));
            for (int received = 0; received < AckBytes;)
            {
                int part = _socket.Receive(_input, received, AckBytes - received, SocketFlags.None);
                if (part == 0) throw new InvalidOperationException("The server closed the connection.");
                received += part;
            }

            _acked++;
            Latencies.Add(Stopwatch.GetTimestamp() - _sentAt[_acked % (ulong)_sentAt.Length]);
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task PublishAsync(int count)
    {
        int bytes = FillOutput(count);
        await _socket.SendAsync(_output.AsMemory(0, bytes));
    }

    private int FillOutput(int count)
    {
        int packetBytes = 2 + 2 + _topic.Length + 2 + PayloadBytes + 1;
        if (_output.Length < count * packetBytes) _output = new byte[count * packetBytes];
        int at = 0;
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            _seq++;
            _sentAt[_seq % (ulong)_sentAt.Length] = now;
            at += WritePublish(_output.AsSpan(at), _seq);
        }

        return at;
    }

    private async ValueTask<int> ReceiveAcksAsync(CancellationToken stop)
    {
        int received;
        try
        {
            received = await _socket.ReceiveAsync(_input, stop);
        }
        catch (OperationCanceledException)
        {
            return -1;
        }

        if (received == 0) throw new InvalidOperationException("The server closed the connection.");
        _partialAck += received;
        int acks = _partialAck / AckBytes;
        _partialAck %= AckBytes;
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < acks; i++)
        {
            _acked++;
            Latencies?.Add(now - _sentAt[_acked % (ulong)_sentAt.Length]);
        }

        return acks;
    }

    private int WritePublish(Span<byte> output, ulong seq)
    {
        int body = 2 + _topic.Length + 2 + PayloadBytes;
        int at = 0;
        output[at++] = 0x32;
        if (body >= 128) output[at++] = (byte)(body | 0x80);
        output[at++] = (byte)(body >= 128 ? body >> 7 : body);
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], (ushort)_topic.Length);
        _topic.CopyTo(output[(at + 2)..]);
        at += 2 + _topic.Length;
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], (ushort)((seq % 65_535) + 1));
        at += 2;
        WriteBatch(output.Slice(at, PayloadBytes), seq);
        return at + PayloadBytes;
    }

    // Batch (proto/WIRE.md): epoch, seq, boot, profile, clock, one block that fills up, CRC-32C.
    private void WriteBatch(Span<byte> batch, ulong seq)
    {
        int at = 0;
        batch[at++] = 0x0D;
        BinaryPrimitives.WriteUInt32LittleEndian(batch[at..], _epoch);
        at += 4;
        batch[at++] = 0x10;
        for (ulong rest = seq; ; rest >>= 7)
        {
            batch[at++] = (byte)(rest >= 128 ? rest | 0x80 : rest);
            if (rest < 128) break;
        }

        batch[at++] = 0x18;
        batch[at++] = 1;
        batch[at++] = 0x25;
        BinaryPrimitives.WriteUInt32LittleEndian(batch[at..], _profile);
        at += 4;
        ReadOnlySpan<byte> clock = [0x2A, 0x08, 0x10, 0x01, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        clock.CopyTo(batch[at..]);
        at += clock.Length;
        int block = PayloadBytes - at - 2 - 5;
        batch[at++] = 0x3A;
        batch[at++] = (byte)block;
        batch.Slice(at, block).Fill(0x55);
        at += block;
        uint crc = Crc32C.Compute(batch[..at]);
        batch[at++] = 0x7D;
        BinaryPrimitives.WriteUInt32LittleEndian(batch[at..], crc);
    }

    private async Task ReceiveExactlyAsync(int bytes)
    {
        for (int at = 0; at < bytes;)
        {
            int received = await _socket.ReceiveAsync(_input.AsMemory(at, bytes - at));
            if (received == 0) throw new InvalidOperationException("The server closed the connection.");
            at += received;
        }
    }

    private static byte[] Text(string text) => [(byte)(text.Length >> 8), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Frame(byte first, byte[] body) =>
        body.Length < 128 ? [first, (byte)body.Length, .. body] : [first, (byte)(body.Length | 0x80), (byte)(body.Length >> 7), .. body];
}
