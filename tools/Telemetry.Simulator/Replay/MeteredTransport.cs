using Telemetry.Device.Platform;

namespace Telemetry.Simulator.Replay;

/// <summary>A device's real connection, counted, that can be cut, kept away or made deaf.</summary>
internal sealed class MeteredTransport(ITransport inner) : ITransport
{
    private bool _isCut;

    /// <summary>Bytes handed to the socket, of all connections.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Bytes taken from the socket, of all connections.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>No connection can be made.</summary>
    public bool IsOffline { get; set; }

    /// <summary>What the collector answers is thrown away, so that the device has to send again.</summary>
    public bool LosesAnswers { get; set; }

    public TransportStatus Connect(string host, int port)
    {
        if (IsOffline) return TransportStatus.Broken;
        _isCut = false;
        return inner.Connect(host, port);
    }

    public int Send(byte[] buffer, int offset, int count)
    {
        if (_isCut) return -1;
        int sent = inner.Send(buffer, offset, count);
        if (sent > 0) SentBytes += sent;
        return sent;
    }

    public int Receive(byte[] buffer, int offset, int count)
    {
        if (_isCut) return -1;
        int received = inner.Receive(buffer, offset, count);
        if (received <= 0) return received;
        ReceivedBytes += received;
        return LosesAnswers ? 0 : received;
    }

    public void Close() => inner.Close();

    /// <summary>Breaks the connection in whatever state it is.</summary>
    public void Cut()
    {
        _isCut = true;
        inner.Close();
    }
}
