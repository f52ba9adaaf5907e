using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Telemetry.Wire.Blocks;

/// <summary>
/// Packs rows into a block (proto/WIRE.md, "Block"), the collector's writing half: for what is stored long after a device sealed it. Of the same rows it makes
/// the same bytes as the device SDK's encoder, with which it shares the page and no code.
/// </summary>
/// <remarks>One instance a thread; buffers are reused.</remarks>
public sealed class BlockPacker
{
    /// <summary>A column of 32-bit integers.</summary>
    public const byte NarrowKind = 0;

    /// <summary>A column of 64-bit integers.</summary>
    public const byte WideKind = 1;

    /// <summary>A column of IEEE doubles, given as their bits.</summary>
    public const byte RealKind = 2;

    /// <summary>A column of 32-bit integers, written as distances from its level.</summary>
    public const byte LevelKind = 3;

    private const byte Version = 1;
    private const byte LevelVersion = 3;
    private const byte IrregularFlag = 0x08;
    private const byte QualityFlag = 0x10;
    private const byte StepsInSecondsFlag = 0x20;
    private const byte StartInSecondsFlag = 0x40;
    private const byte DescriptorsFlag = 0x80;
    private const byte QualityChangesFlag = 0x08;
    private const int MsPerSecond = 1000;

    private readonly long[] _residuals = new long[WireLimits.MaxBlockRows];
    private byte[] _stream = [];

    /// <summary>Packs rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="rows"/> - 1.</summary>
    /// <param name="output">Gets the block.</param>
    /// <param name="source">The series.</param>
    /// <param name="first">Index of the first row.</param>
    /// <param name="rows">1 to <see cref="WireLimits.MaxBlockRows"/>; times must not fall, and no step may exceed 2^31-1 of its unit.</param>
    /// <param name="stepsInSeconds">Whether the steps are counted in whole seconds; then each must be one.</param>
    /// <returns>Bytes written.</returns>
    public int Pack(IBufferWriter<byte> output, RowBuffer source, int first, int rows, bool stepsInSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, WireLimits.MaxBlockRows);
        int mostStreamBytes = (rows * IntegerColumnWriter.MaxRowBytes) + 32;
        if (_stream.Length < mostStreamBytes) _stream = new byte[mostStreamBytes];
        ReadOnlySpan<long> times = source.TimesMs.Slice(first, rows);
        ReadOnlySpan<byte> quality = source.Quality.Slice(first, rows);
        long unitMs = stepsInSeconds ? MsPerSecond : 1;
        long period = rows > 1 ? (times[1] - times[0]) / unitMs : 0;
        bool isRegular = FillResiduals(times, unitMs, period);
        bool hasQuality = quality.ContainsAnyExcept((byte)0);
        bool startsWhole = times[0] % MsPerSecond == 0;
        bool needsDescriptors = source.NeedsDescriptors;

        BlockOutput block = new(output);
        block.PutByte((byte)((source.HasLevels ? LevelVersion : Version) | (isRegular ? 0 : IrregularFlag) | (hasQuality ? QualityFlag : 0) | (stepsInSeconds ? StepsInSecondsFlag : 0)
            | (startsWhole ? StartInSecondsFlag : 0) | (needsDescriptors ? DescriptorsFlag : 0)));
        block.PutVarint((uint)rows);
        block.PutByte((byte)source.ColumnCount);
        block.PutVarint((ulong)(startsWhole ? times[0] / MsPerSecond : times[0]));
        block.PutVarint((ulong)period);
        if (!isRegular) block.PutFramed(_stream, IntegerColumnWriter.WriteResiduals(_residuals.AsSpan(0, rows - 2), _stream));
        if (hasQuality)
        {
            bool changes = quality.ContainsAnyExcept(quality[0]);
            block.PutByte((byte)(quality[0] | (changes ? QualityChangesFlag : 0)));
            if (changes) block.PutFramed(_stream, WriteQuality(quality, _stream));
        }

        if (!needsDescriptors) block.PutVarint((uint)source.SignalId(0));
        for (int column = 0; column < source.ColumnCount; column++)
        {
            if (needsDescriptors) block.PutVarint(((ulong)(source.SignalId(column) - (column == 0 ? 0 : source.SignalId(column - 1)) - 1) << 2) | source.Kind(column));
            ReadOnlySpan<long> values = source.Values(column).Slice(first, rows);
            int bytes = source.Kind(column) switch
            {
                NarrowKind => IntegerColumnWriter.Write<NarrowColumn>(values, _stream),
                WideKind => IntegerColumnWriter.Write<WideColumn>(values, _stream),
                LevelKind => LevelColumn.Write(values, _stream),
                _ => WriteReals(values, _stream),
            };
            if (column < source.ColumnCount - 1) block.PutFramed(_stream, bytes);
            else block.Put(_stream.AsSpan(0, bytes));
        }

        return block.Bytes;
    }

    // The residuals of the steps to row 2, 3, ...; true when all steps are equal.
    private bool FillResiduals(ReadOnlySpan<long> times, long unitMs, long period)
    {
        bool isRegular = true;
        long usual = period, last = period;
        for (int row = 2; row < times.Length; row++)
        {
            long step = (times[row] - times[row - 1]) / unitMs;
            isRegular &= step == period;
            _residuals[row - 2] = (int)(step - usual);
            if (step == last) usual = step;
            last = step;
        }

        return isRegular;
    }

    private static int WriteQuality(ReadOnlySpan<byte> rows, Span<byte> output)
    {
        BitWriter bits = new(output);
        for (int row = 0; row < rows.Length;)
        {
            byte quality = rows[row];
            int same = rows[(row + 1)..].IndexOfAnyExcept(quality);
            int run = same < 0 ? rows.Length - row - 1 : same;
            row += run + 1;
            if (row < rows.Length || run > 0) bits.PutExpGolomb((uint)run, 0);
            if (row < rows.Length) bits.Put((uint)(quality ^ rows[row]), 3);
        }

        return bits.End();
    }

    private static int WriteReals(ReadOnlySpan<long> rows, Span<byte> output)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output, rows[0]);
        BitWriter bits = new(output[sizeof(long)..]);
        int windowLeading = 0, windowBits = 0, run = 0;
        for (int row = 1; row < rows.Length; row++)
        {
            ulong change = (ulong)(rows[row] ^ rows[row - 1]);
            if (change == 0)
            {
                run++;
                continue;
            }

            bits.PutExpGolomb((uint)run, 0);
            run = 0;
            int leading = BitOperations.LeadingZeroCount(change);
            int trailing = BitOperations.TrailingZeroCount(change);
            if (leading >= windowLeading && trailing >= 64 - windowLeading - windowBits)
            {
                bits.Put(0, 1);
            }
            else
            {
                (windowLeading, windowBits) = (leading, 64 - leading - trailing);
                bits.Put(1u | ((uint)leading << 1) | ((uint)(windowBits - 1) << 7), 13);
            }

            bits.PutLong(change >> (64 - windowLeading - windowBits), windowBits);
        }

        if (run > 0) bits.PutExpGolomb((uint)run, 0);
        return sizeof(long) + bits.End();
    }

    private ref struct BlockOutput(IBufferWriter<byte> output)
    {
        public int Bytes { get; private set; }

        public void PutByte(byte value) => Put(MemoryMarshal.CreateReadOnlySpan(ref value, 1));

        public void PutVarint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) PutByte((byte)(value | 0x80));
            PutByte((byte)value);
        }

        public void PutFramed(byte[] stream, int bytes)
        {
            PutVarint((uint)bytes);
            Put(stream.AsSpan(0, bytes));
        }

        public void Put(ReadOnlySpan<byte> bytes)
        {
            output.Write(bytes);
            Bytes += bytes.Length;
        }
    }
}
