using Telemetry.Device.Platform;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A real socket that loses one PUBLISH whole, as a broken relay does, and notes the Commands that come the other way (MQTT 3.1.1).</summary>
internal sealed class LosingTransport : ITransport
{
    private readonly SocketTransport _socket = new();
    private readonly List<byte> _received = [];
    private Framing _sending;

    /// <summary>The next PUBLISH is lost; then false again.</summary>
    public bool LosesNextPublish { get; set; }

    /// <summary>PUBLISH packets lost.</summary>
    public int Lost { get; private set; }

    /// <summary>Every Command received, in order.</summary>
    public List<Command> Commands { get; } = [];

    public TransportStatus Connect(string host, int port) => _socket.Connect(host, port);

    // At most to the end of the packet under way, so that a packet is lost or sent, never half of each.
    public int Send(byte[] buffer, int offset, int count)
    {
        Framing ahead = _sending;
        int take = 0;
        do
        {
            bool begins = ahead.IsBetween;
            ahead.Take(buffer[offset + take++]);
            if (!begins || !LosesNextPublish || !ahead.IsPublish) continue;
            LosesNextPublish = false;
            ahead.IsLost = true;
            Lost++;
        }
        while (take < count && !ahead.IsBetween);

        int sent = ahead.IsLost ? take : _socket.Send(buffer, offset, take);
        bool isLost = ahead.IsLost;
        for (int i = 0; i < sent; i++) _sending.Take(buffer[offset + i]);
        _sending.IsLost = isLost && !_sending.IsBetween;
        return sent;
    }

    public int Receive(byte[] buffer, int offset, int count)
    {
        int read = _socket.Receive(buffer, offset, count);
        for (int i = 0; i < read; i++) Note(buffer[offset + i]);
        return read;
    }

    public void Close()
    {
        _sending = default;
        _received.Clear();
        _socket.Close();
    }

    private void Note(byte one)
    {
        _received.Add(one);
        Framing whole = default;
        foreach (byte taken in _received) whole.Take(taken);
        if (!whole.IsBetween) return;

        // PUBLISH to .../down: fixed header, topic, a packet identifier above QoS 0, the Command.
        if (whole.IsPublish)
        {
            int at = 1 + _received.Skip(1).TakeWhile(length => length >= 0x80).Count() + 1;
            at += 2 + (_received[at] << 8) + _received[at + 1] + ((_received[0] & 6) == 0 ? 0 : 2);
            Commands.Add(Command.Parser.ParseFrom([.. _received.Skip(at)]));
        }

        _received.Clear();
    }

    /// <summary>Where in a packet a stream of bytes is.</summary>
    private struct Framing
    {
        private int _lengthBytes;
        private int _left;
        private byte _first;
        private bool _isInside, _hasLength;

        public bool IsLost { get; set; }

        public readonly bool IsBetween => !_isInside;

        public readonly bool IsPublish => _first >> 4 == 3;

        public void Take(byte one)
        {
            if (!_isInside)
            {
                (_first, _isInside, _hasLength, _left, _lengthBytes) = (one, true, false, 0, 0);
                return;
            }

            if (_hasLength)
            {
                _left--;
            }
            else
            {
                _left |= (one & 0x7F) << (7 * _lengthBytes++);
                _hasLength = one < 0x80;
            }

            if (_hasLength && _left == 0) _isInside = false;
        }
    }
}
