using System.Buffers.Binary;
using System.Text;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights.Store;

/// <summary>Devices, evidence and place of a segment as bytes at rest. Equal contents have equal bytes.</summary>
internal static class SegmentDetail
{
    // u8 version, 1 or 2
    // u8 devices, then per device u32 key
    // u8 evidence entries, then per entry: length-prefixed UTF-8 name, f64 share          all little endian
    // u8 place, in version 2; version 1 is written where no place is known, so that such rows stay as they were
    private const byte Version = 1, WithPlace = 2;

    public static byte[] Write(Segment segment)
    {
        MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes, Encoding.UTF8);
        writer.Write(segment.Place == 0 ? Version : WithPlace);
        writer.Write(checked((byte)segment.Devices.Count));
        foreach (uint device in segment.Devices) writer.Write(device);
        writer.Write(checked((byte)segment.Evidence.Count));
        foreach (Evidence evidence in segment.Evidence)
        {
            writer.Write(evidence.Feature);
            writer.Write(evidence.Share);
        }

        if (segment.Place != 0) writer.Write(checked((byte)segment.Place));
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Only the devices: cohort queries need no evidence.</summary>
    public static uint[] ReadDevices(ReadOnlySpan<byte> bytes)
    {
        CheckVersion(bytes[0]);
        uint[] devices = new uint[bytes[1]];
        for (int i = 0; i < devices.Length; i++) devices[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 + i * sizeof(uint))..]);
        return devices;
    }

    /// <summary>Only the place; 0 = not known.</summary>
    public static int ReadPlace(ReadOnlySpan<byte> bytes) => bytes[0] == WithPlace ? bytes[^1] : 0;

    public static (IReadOnlyList<uint> Devices, IReadOnlyList<Evidence> Evidence, int Place) Read(byte[] bytes)
    {
        using BinaryReader reader = new(new MemoryStream(bytes), Encoding.UTF8);
        CheckVersion(reader.ReadByte());
        uint[] devices = new uint[reader.ReadByte()];
        for (int i = 0; i < devices.Length; i++) devices[i] = reader.ReadUInt32();
        Evidence[] evidence = new Evidence[reader.ReadByte()];
        for (int i = 0; i < evidence.Length; i++) evidence[i] = new Evidence(reader.ReadString(), reader.ReadDouble());
        return (devices, evidence, ReadPlace(bytes));
    }

    private static void CheckVersion(byte version)
    {
        if (version is not (Version or WithPlace)) throw new InvalidDataException($"A segment's detail has version {version}; {Version} or {WithPlace} is expected. Use the newer program that wrote it.");
    }
}
