using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Support;

/// <summary>A way from the broker on which bits flip, bytes vanish and others are made up.</summary>
internal sealed class BentTransport(int seed) : ITransport
{
    private readonly Random _random = new(seed);

    /// <summary>The straight way.</summary>
    public ITransport Inner { get; set; } = null!;

    public bool IsBent { get; set; } = true;

    public TransportStatus Connect(string host, int port) => Inner.Connect(host, port);

    public int Send(byte[] buffer, int offset, int count) => Inner.Send(buffer, offset, count);

    public int Receive(byte[] buffer, int offset, int count)
    {
        int read = Inner.Receive(buffer, offset, count);
        if (!IsBent || count == 0) return read;
        for (int i = 0; i < read; i++)
        {
            if (_random.Next(40) == 0) buffer[offset + i] ^= (byte)(1 << _random.Next(8));
        }

        if (read > 1 && _random.Next(40) == 0) return read - 1;
        if (read != 0 || _random.Next(200) != 0) return read;
        buffer[offset] = (byte)_random.Next(256);
        return 1;
    }

    public void Close() => Inner.Close();
}
