using System.Buffers.Binary;

namespace Telemetry.Wire.Blocks;

/// <summary>Decodes columns of IEEE doubles (proto/WIRE.md, "Real column"): runs, then the bits that changed inside a window.</summary>
internal static class RealColumn
{
    /// <summary>Decodes a whole column; <paramref name="rows"/> takes the bits of the doubles.</summary>
    public static bool TryDecode(Span<long> rows, ReadOnlySpan<byte> window, int length)
    {
        if (length < sizeof(long)) return false;
        long value = BinaryPrimitives.ReadInt64LittleEndian(window);
        BitReader bits = new(window, length) { Position = 8 * sizeof(long) };
        int windowBits = 0;
        int windowTrailing = 0;
        int row = 0;
        rows[row++] = value;
        while (row < rows.Length)
        {
            int run = bits.ReadExpGolomb(0);
            if ((uint)run > (uint)(rows.Length - row)) return false;
            rows.Slice(row, run).Fill(value);
            row += run;
            if (row == rows.Length) break;
            if (bits.Read(1) != 0)
            {
                int leading = (int)bits.Read(6);
                windowBits = (int)bits.Read(6) + 1;
                windowTrailing = 64 - leading - windowBits;
                if (windowTrailing < 0) return false;
            }

            if (windowBits == 0 || bits.IsPastEnd) return false;
            value ^= (long)(bits.ReadLong(windowBits) << windowTrailing);
            rows[row++] = value;
        }

        return bits.IsAtEnd;
    }
}
