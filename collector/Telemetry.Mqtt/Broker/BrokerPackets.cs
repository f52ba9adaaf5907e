using System.Buffers.Binary;
using System.Text;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Broker;

/// <summary>The packets that only a client writes or reads; what both sides write is in <c>Packets/</c>. Layouts stand there.</summary>
internal static class BrokerPackets
{
    private const byte Qos1 = 1, NoRetainedMessages = 0x20;

    public static ReadOnlySpan<byte> Pingreq => [(byte)PacketType.Pingreq << 4, 0];

    /// <summary>DISCONNECT 0x00, in the short form of both versions; no will was left.</summary>
    public static ReadOnlySpan<byte> Disconnect => [(byte)PacketType.Disconnect << 4, 0];

    /// <summary>CONNECT that asks for the stored session and, in 5.0, for one that never expires: what devices were told is safe waits under it.</summary>
    /// <param name="options">Who we are.</param>
    /// <param name="isClean">Drop the stored session, for one that ends with this connection.</param>
    public static byte[] Connect(BrokerOptions options, bool isClean = false)
    {
        bool hasUser = options.UserName is not null, hasPassword = options.Password is not null;
        List<byte> body = [.. Text("MQTT"), (byte)options.Version, (byte)((hasUser ? 0x80 : 0) | (hasPassword ? 0x40 : 0) | (isClean ? 2 : 0))];
        AddUInt16(body, (ushort)options.KeepAlive.TotalSeconds);
        if (options.Version == MqttVersion.V5)
        {
            List<byte> properties = isClean ? [] : [(byte)PropertyId.SessionExpiryInterval, 0xFF, 0xFF, 0xFF, 0xFF];
            properties.Add((byte)PropertyId.ReceiveMaximum);
            AddUInt16(properties, (ushort)options.MaxInFlight);
            properties.Add((byte)PropertyId.MaximumPacketSize);
            AddUInt16(properties, (ushort)(options.MaxPacketBytes >> 16));
            AddUInt16(properties, (ushort)options.MaxPacketBytes);
            body.AddRange([(byte)properties.Count, .. properties]);
        }

        body.AddRange(Text(options.ClientId));
        if (hasUser) body.AddRange(Text(options.UserName!));
        if (hasPassword) body.AddRange(Text(options.Password!));
        return Frame((byte)PacketType.Connect << 4, body);
    }

    /// <summary>SUBSCRIBE at QoS 1; retained messages are no batches and are not wanted (5.0; 3.1.1 cannot say so).</summary>
    public static byte[] Subscribe(BrokerOptions options, ushort id)
    {
        List<byte> body = [];
        AddUInt16(body, id);
        if (options.Version == MqttVersion.V5) body.Add(0);
        foreach (string filter in options.Filters)
        {
            body.AddRange(Text(filter));
            body.Add(options.Version == MqttVersion.V5 ? (byte)(Qos1 | NoRetainedMessages) : Qos1);
        }

        return Frame(((byte)PacketType.Subscribe << 4) | 2, body);
    }

    /// <summary>A PUBLISH of QoS 1.</summary>
    public static byte[] Publish(MqttVersion version, string topic, ushort id, bool isRetained, ReadOnlySpan<byte> payload)
    {
        List<byte> body = [.. Text(topic)];
        AddUInt16(body, id);
        if (version == MqttVersion.V5) body.Add(0);
        body.AddRange(payload);
        return Frame(((byte)PacketType.Publish << 4) | (Qos1 << 1) | (isRetained ? 1 : 0), body);
    }

    /// <summary>Reads the body of a CONNACK.</summary>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryReadConnack(scoped ref PacketReader reader, MqttVersion version, out ConnackReply reply)
    {
        reply = new ConnackReply(IsSessionPresent: false, 0, ushort.MaxValue, CanRetain: true, KeepAliveSeconds: null);
        if (!reader.TryReadByte(out byte flags) || !reader.TryReadByte(out byte code)) return DecodeStatus.Malformed;
        reply = reply with { IsSessionPresent = (flags & 1) != 0, Code = code };
        if (version != MqttVersion.V5) return DecodeStatus.Done;

        if (Properties.TryRead(ref reader, Properties.InConnack, out Properties properties) != DecodeStatus.Done) return DecodeStatus.Malformed;
        reply = reply with
        {
            ReceiveMaximum = properties.Has(PropertyId.ReceiveMaximum) ? properties.ReceiveMaximum : ushort.MaxValue,
            CanRetain = !properties.Has(PropertyId.RetainAvailable) || properties.IsRetainAvailable,
            KeepAliveSeconds = properties.Has(PropertyId.ServerKeepAlive) ? properties.ServerKeepAlive : null,
        };
        return DecodeStatus.Done;
    }

    private static byte[] Text(string text)
    {
        byte[] bytes = new byte[2 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(bytes.Length - 2));
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(2));
        return bytes;
    }

    private static void AddUInt16(List<byte> bytes, ushort value) => bytes.AddRange([(byte)(value >> 8), (byte)value]);

    private static byte[] Frame(int first, List<byte> body)
    {
        byte[] packet = new byte[1 + VariableByteInteger.SizeOf(body.Count) + body.Count];
        packet[0] = (byte)first;
        int at = 1 + VariableByteInteger.Write(packet.AsSpan(1), body.Count);
        body.CopyTo(packet, at);
        return packet;
    }
}

/// <summary>What a broker answers to CONNECT.</summary>
/// <param name="IsSessionPresent">It still has our session, and what waited in it.</param>
/// <param name="Code">0 = accepted; else a return code of 3.1.1 or a reason code of 5.0.</param>
/// <param name="ReceiveMaximum">QoS 1 publishes we may have in flight.</param>
/// <param name="CanRetain">Retain Available.</param>
/// <param name="KeepAliveSeconds">Server Keep Alive, which then counts instead of ours.</param>
internal readonly record struct ConnackReply(bool IsSessionPresent, byte Code, ushort ReceiveMaximum, bool CanRetain, ushort? KeepAliveSeconds);
