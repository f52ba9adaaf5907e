using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>A real socket that breaks after so many bytes, or goes dead without breaking; and that looks at what passes.</summary>
internal sealed class UnreliableTransport : ITransport, IDisposable
{
    private const byte Connack = 0x20;
    private readonly SocketTransport _socket = new();
    private readonly Random _random;
    private int _cutsLeft;
    private int _mostBytes;
    private int _bytesLeft;
    private int _received;
    private byte _first;

    /// <param name="seed">Of the cuts.</param>
    public UnreliableTransport(int seed = 0) => _random = new Random(seed);

    /// <summary>Connections begun.</summary>
    public int Connects { get; private set; }

    /// <summary>A connection is up or coming up.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>What is sent vanishes, nothing arrives, and nobody says so. Ends with the connection.</summary>
    public bool IsDead { get; set; }

    /// <summary>What is sent arrives, and nothing comes back. Ends with the connection.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Acknowledge flags of the last CONNACK: bit 0 = session present.</summary>
    public int ConnackFlags { get; private set; } = -1;

    /// <summary>The next <paramref name="cuts"/> connections break after 1..<paramref name="mostBytes"/> bytes, both directions counted.</summary>
    public void CutEvery(int mostBytes, int cuts)
    {
        _mostBytes = mostBytes;
        _cutsLeft = cuts;
        _bytesLeft = NextCut();
    }

    public TransportStatus Connect(string host, int port)
    {
        if (!IsOpen)
        {
            IsOpen = true;
            Connects++;
            _received = 0;
            _bytesLeft = NextCut();
        }

        TransportStatus status = _socket.Connect(host, port);
        if (status == TransportStatus.Broken) Close();
        return status;
    }

    public int Send(byte[] buffer, int offset, int count)
    {
        if (IsDead) return count;
        return Pass(count, allowed => _socket.Send(buffer, offset, allowed));
    }

    public int Receive(byte[] buffer, int offset, int count)
    {
        if (IsDead || IsDeaf) return 0;
        int read = Pass(count, allowed => _socket.Receive(buffer, offset, allowed));
        for (int i = 0; i < read; i++, _received++)
        {
            // 20, length, flags: the length of any CONNACK we meet has one byte.
            if (_received == 0) _first = buffer[offset + i];
            if (_received == 2 && _first == Connack) ConnackFlags = buffer[offset + i];
        }

        return read;
    }

    public void Close()
    {
        IsOpen = false;
        IsDead = false;
        IsDeaf = false;
        _socket.Close();
    }

    public void Dispose() => Close();

    private int Pass(int count, Func<int, int> pass)
    {
        if (_bytesLeft == 0)
        {
            if (_cutsLeft > 0) _cutsLeft--;
            _bytesLeft = -1;
            Close();
            return -1;
        }

        int passed = pass(_bytesLeft > 0 ? Math.Min(count, _bytesLeft) : count);
        if (passed > 0 && _bytesLeft > 0) _bytesLeft -= passed;
        return passed;
    }

    private int NextCut() => _cutsLeft > 0 ? _random.Next(1, _mostBytes + 1) : -1;
}
