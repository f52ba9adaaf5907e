using System.Net.Sockets;
using System.Text;

namespace Telemetry.EndToEnd.Tests;

/// <summary>The least of an MQTT 3.1.1 device: it publishes at QoS 1 and counts what was acknowledged.</summary>
internal sealed class BrokerClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TcpClient _tcp = new() { NoDelay = true };
    private ushort _lastIdentifier;

    private BrokerClient()
    {
    }

    public static async Task<BrokerClient> ConnectAsync(int port, string clientId)
    {
        BrokerClient client = new();
        await client._tcp.ConnectAsync("127.0.0.1", port);
        await client.SendAsync(0x10, [.. Text("MQTT"), 4, 2, 0, 0, .. Text(clientId)]);
        Assert.Equal([0x20, 2, 0, 0], await client.ReceiveAsync(4));
        return client;
    }

    /// <summary>Publishes all of them, then waits until the broker has acknowledged all of them.</summary>
    public async Task PublishAsync(string topic, IEnumerable<byte[]> payloads)
    {
        int count = 0;
        foreach (byte[] payload in payloads)
        {
            ushort id = ++_lastIdentifier;
            await SendAsync(0x32, [.. Text(topic), (byte)(id >> 8), (byte)id, .. payload]);
            count++;
        }

        byte[] acks = await ReceiveAsync(4 * count);
        Assert.All(acks.Chunk(4), ack => Assert.Equal(0x40, ack[0]));
    }

    public ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task SendAsync(byte first, byte[] body)
    {
        byte[] length = body.Length < 128 ? [(byte)body.Length] : [(byte)(body.Length | 0x80), (byte)(body.Length >> 7)];
        await _tcp.GetStream().WriteAsync((byte[])[first, .. length, .. body]);
    }

    private async Task<byte[]> ReceiveAsync(int bytes)
    {
        using CancellationTokenSource limit = new(Limit);
        byte[] input = new byte[bytes];
        await _tcp.GetStream().ReadExactlyAsync(input, limit.Token);
        return input;
    }

    private static byte[] Text(string text) => [(byte)(text.Length >> 8), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
}
