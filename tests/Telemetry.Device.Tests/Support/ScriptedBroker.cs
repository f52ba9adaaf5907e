using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Support;

/// <summary>The other end of a client's transport, in memory: takes packets apart, answers as told, keeps what was published.</summary>
internal sealed class ScriptedBroker : ITransport
{
    private readonly List<byte> _in = [];
    private readonly Queue<byte> _out = new();
    private bool _isOpen;

    public List<byte[]> Published { get; } = [];

    public List<(int Id, bool Dup)> PublishHeaders { get; } = [];

    public List<byte[]> Packets { get; } = [];

    /// <summary>Answers PUBLISH with PUBACK at once.</summary>
    public bool Acks { get; set; } = true;

    /// <summary>The broker accepts connections.</summary>
    public bool IsUp { get; set; } = true;

    public byte ConnackCode { get; set; }

    public bool SessionPresent { get; set; }

    /// <summary>Properties of CONNACK (5.0), without their length.</summary>
    public byte[] ConnackProperties { get; set; } = [];

    public byte[]? Command { get; set; }

    public int PubackReason { get; set; }

    public int Connects { get; private set; }

    /// <summary>Bytes that still get through before the connection breaks; negative: no limit.</summary>
    public int BreakAfterBytes { get; set; } = -1;

    /// <summary>True: the link is up and nothing arrives any more.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Whether a CONNECT of this version and clean flag gets an answer.</summary>
    public Func<int, bool, bool> Greets { get; set; } = (_, _) => true;

    /// <summary>True: a CONNECT that gets no answer costs the connection.</summary>
    public bool HangsUp { get; set; }

    public int Version { get; private set; }

    public bool CleanStart { get; private set; }

    public TransportStatus Connect(string host, int port)
    {
        if (!IsUp) return TransportStatus.Broken;
        if (!_isOpen) Connects++;
        _isOpen = true;
        return TransportStatus.Connected;
    }

    public int Send(byte[] buffer, int offset, int count)
    {
        if (!_isOpen || !IsUp) return -1;
        if (BreakAfterBytes == 0)
        {
            Drop();
            return -1;
        }

        if (BreakAfterBytes > 0) count = Math.Min(count, BreakAfterBytes);
        if (BreakAfterBytes > 0) BreakAfterBytes -= count;
        if (IsSilent) return count;
        _in.AddRange(buffer.AsSpan(offset, count));
        while (TakePacket())
        {
            // one packet a turn
        }

        return count;
    }

    public int Receive(byte[] buffer, int offset, int count)
    {
        if (!_isOpen || !IsUp) return -1;
        int n = 0;
        while (n < count && _out.Count > 0) buffer[offset + n++] = _out.Dequeue();
        return n;
    }

    public void Close() => Drop();

    public void Drop()
    {
        _isOpen = false;
        _in.Clear();
        _out.Clear();
    }

    public void Say(params ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes) _out.Enqueue(b);
    }

    public void Ack(int id) => Say(0x40, 2, (byte)(id >> 8), (byte)id);

    public void SendCommand(byte[] command)
    {
        byte[] topic = "t1/acme/dev/down"u8.ToArray();
        int remaining = 2 + topic.Length + 2 + (Version == 5 ? 1 : 0) + command.Length;
        Say(0x32);
        for (; remaining >= 128; remaining >>= 7) Say((byte)(remaining | 0x80));
        Say((byte)remaining);
        Say(0, (byte)topic.Length);
        Say(topic);
        Say(0, 7);
        if (Version == 5) Say(0);
        Say(command);
    }

    private bool TakePacket()
    {
        int at = 1, length = 0;
        for (int shift = 0; ; shift += 7)
        {
            if (at >= _in.Count) return false;
            byte b = _in[at++];
            length |= (b & 0x7F) << shift;
            if (b < 0x80) break;
        }

        if (_in.Count < at + length) return false;
        byte header = _in[0];
        byte[] body = [.. _in.GetRange(at, length)];
        Packets.Add([.. _in.GetRange(0, at + length)]);
        _in.RemoveRange(0, at + length);
        Answer(header, body);
        return true;
    }

    private void Answer(byte header, byte[] body)
    {
        switch (header & 0xF0)
        {
            case 0x10:
                Version = body[6];
                CleanStart = (body[7] & 2) != 0;
                if (!Greets(Version, CleanStart))
                {
                    if (HangsUp) _isOpen = false;
                    break;
                }

                byte flags = (byte)(SessionPresent && ConnackCode == 0 ? 1 : 0);
                if (Version == 5) Say([0x20, (byte)(3 + ConnackProperties.Length), flags, ConnackCode, (byte)ConnackProperties.Length, .. ConnackProperties]);
                else Say(0x20, 2, flags, ConnackCode);
                break;
            case 0x30:
                OnPublish(header, body);
                break;
            case 0x80:
                if (Version == 5) Say(0x90, 4, body[0], body[1], 0, 1);
                else Say(0x90, 3, body[0], body[1], 1);
                if (Command is not null) SendCommand(Command);
                break;
            case 0xC0:
                Say(0xD0, 0);
                break;
        }
    }

    private void OnPublish(byte header, byte[] body)
    {
        int at = 2 + ((body[0] << 8) | body[1]);
        if ((header & 6) == 0) return;
        int id = (body[at] << 8) | body[at + 1];
        at += 2;
        if (Version == 5) at += 1 + body[at];
        Published.Add(body[at..]);
        PublishHeaders.Add((id, (header & 8) != 0));
        if (!Acks) return;
        if (PubackReason != 0) Say(0x40, 3, (byte)(id >> 8), (byte)id, (byte)PubackReason);
        else Ack(id);
    }
}
