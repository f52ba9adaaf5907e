using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Telemetry.Wire;

/// <summary>CRC-32C (Castagnoli, reflected, polynomial 0x82F63B78): the checksum of batches, log records and spool pages.</summary>
public static class Crc32C
{
    /// <summary>CRC-32C of <paramref name="data"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Continues <paramref name="crc"/> (0 to begin): <c>Append(Compute(a), b)</c> equals <c>Compute(ab)</c>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint c = ~crc;
        ref byte at = ref MemoryMarshal.GetReference(data);
        int count = data.Length;
        for (; count >= 8; count -= 8)
        {
            c = BitOperations.Crc32C(c, Unsafe.ReadUnaligned<ulong>(ref at));
            at = ref Unsafe.Add(ref at, 8);
        }

        for (; count > 0; count--)
        {
            c = BitOperations.Crc32C(c, at);
            at = ref Unsafe.Add(ref at, 1);
        }

        return ~c;
    }
}
