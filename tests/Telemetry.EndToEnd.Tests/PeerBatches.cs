using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Batches as a foreign sender makes them: any protobuf library, the plain encoding, a checksum at the end.</summary>
internal static class PeerBatches
{
    /// <summary>Profile of the model "peer": one gauge, one counter.</summary>
    public const string ProfileJson = """
        {
          "model": "peer",
          "version": 1,
          "signals": [
            { "id": 1, "key": "heart_rate", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 20, "max": 250, "privacy": "health", "periodMs": 1000 },
            { "id": 2, "key": "steps", "unit": "1", "kind": "counter", "resolution": 1, "min": 0, "max": 1000, "privacy": "activity", "periodMs": 60000 }
          ]
        }
        """;

    /// <summary>Hash of <see cref="ProfileJson"/>, as the registry computes it.</summary>
    public static uint ProfileHash { get; } = ProfileReader.Read(System.Text.Encoding.UTF8.GetBytes(ProfileJson)).Profile!.Hash;

    /// <summary>One sealed batch with heart rates of consecutive seconds.</summary>
    public static byte[] HeartRates(uint epoch, ulong seq, long wallUnixMs, params int[] values)
    {
        PlainColumn column = new() { Signal = 1 };
        int last = 0;
        foreach (int value in values)
        {
            column.Deltas.Add(value - last);
            last = value;
        }

        Batch batch = new()
        {
            Epoch = epoch,
            Seq = seq,
            Boot = 1,
            Profile = ProfileHash,
            Clock = new Clock { WallUnixMs = (ulong)wallUnixMs, UptimeMs = 1_000_000, ErrorMs = 100, Source = ClockSource.Ntp },
            PlainBlocks = { new PlainBlock { StartUptimeMs = 1_000_000 - 1000 * (ulong)values.Length, PeriodMs = 1000, Rows = (uint)values.Length, Columns = { column } } },
        };
        return Seal(batch);
    }

    /// <summary>Appends the checksum as the last field.</summary>
    public static byte[] Seal(Batch batch)
    {
        byte[] body = batch.ToByteArray();
        uint crc = uint.MaxValue;
        foreach (byte b in body) crc = BitOperations.Crc32C(crc, b);
        byte[] result = new byte[body.Length + 5];
        body.CopyTo(result, 0);
        result[body.Length] = (15 << 3) | 5;
        BinaryPrimitives.WriteUInt32LittleEndian(result.AsSpan(body.Length + 1), ~crc);
        return result;
    }
}
