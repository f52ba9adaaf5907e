using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Telemetry.Mqtt.Packets;

/// <summary>What CONNACK and our DISCONNECT carry in MQTT 5.0: why, and when to come back (proto/WIRE.md, "Reconnect").</summary>
/// <remarks>Both packets may carry user properties whatever the client's Request Problem Information says (MQTT 5.0 [MQTT-3.1.2-29]).</remarks>
internal static class ReplyProperties
{
    /// <summary>Property bytes without their length.</summary>
    /// <param name="text">Reason String; empty = none.</param>
    /// <param name="slotMs">User property <c>slot-ms</c>; 0 = none.</param>
    /// <param name="windowMs">User property <c>window-ms</c>; 0 = none.</param>
    public static byte[] Of(string text, int slotMs = 0, int windowMs = 0)
    {
        List<byte> bytes = [];
        if (text.Length > 0)
        {
            bytes.Add((byte)PropertyId.ReasonString);
            AddString(bytes, text);
        }

        AddUserProperty(bytes, "slot-ms", slotMs);
        AddUserProperty(bytes, "window-ms", windowMs);
        return [.. bytes];
    }

    private static void AddUserProperty(List<byte> bytes, string name, int value)
    {
        if (value == 0) return;
        bytes.Add((byte)PropertyId.UserProperty);
        AddString(bytes, name);
        AddString(bytes, value.ToString(CultureInfo.InvariantCulture));
    }

    private static void AddString(List<byte> bytes, string text)
    {
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)Encoding.UTF8.GetByteCount(text));
        bytes.AddRange(length);
        bytes.AddRange(Encoding.UTF8.GetBytes(text));
    }
}
