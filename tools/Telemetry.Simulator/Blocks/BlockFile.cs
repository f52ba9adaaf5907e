using System.Text;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Simulator.Blocks;

/// <summary>
/// A CSV as a file of packed blocks: what <c>telemetry block pack</c> writes. Blocks are those of proto/WIRE.md; only the frame is this file's.
/// <code>
/// "TBF1", 7-bit encoded: length and UTF-8 of the header line, base time in ms, time format (1 = ms | decimals * 2),
/// per column a byte (coding | decimals * 4); then per block its length and its bytes.
/// </code>
/// Signal ids are column numbers from 1. A block holds rows with the same cells filled; a row without any has <see cref="EmptyRowSignal"/>.
/// </summary>
public static class BlockFile
{
    /// <summary>Signal id of a row whose cells are all empty.</summary>
    public const int EmptyRowSignal = 65_535;

    private const string Magic = "TBF1";
    private const int MaxBlockBytes = 1 << 20;

    // 13 B is what a value can cost at worst; a block that outgrows this closes early.
    private const int BytesPerValue = 14;

    /// <summary>Packs a series.</summary>
    /// <param name="series">The rows, in any order of time; a step back begins a new block.</param>
    /// <param name="rowsPerBlock">1..4096.</param>
    /// <param name="output">Where to.</param>
    public static void Pack(CsvSeries series, int rowsPerBlock, Stream output)
    {
        if (series.Columns.Count > BlockEncoder.MaxColumns)
            throw new InvalidDataException($"The table has {series.Columns.Count} signals; a file of blocks holds at most {BlockEncoder.MaxColumns}.");
        using BinaryWriter writer = new(output, Encoding.UTF8, leaveOpen: true);
        long baseMs = series.TimesMs.Length == 0 ? 0 : series.TimesMs.Min();
        writer.Write(Encoding.ASCII.GetBytes(Magic));
        writer.Write(string.Join(',', series.Names));
        writer.Write7BitEncodedInt64(baseMs);
        writer.Write((byte)((series.Time.IsMs ? 1 : 0) | (series.Time.Decimals << 1)));
        foreach (CsvColumn column in series.Columns) writer.Write((byte)((int)column.Coding | (column.Decimals << 2)));

        for (int row = 0; row < series.TimesMs.Length;)
        {
            int[] filled = FilledColumns(series, row);
            int end = row + 1;
            while (end < series.TimesMs.Length && FilledColumns(series, end).AsSpan().SequenceEqual(filled)) end++;
            PackRows(series, baseMs, filled, row, end, rowsPerBlock, writer);
            row = end;
        }
    }

    /// <summary>Reads the blocks of a file and hands each to <paramref name="onBlock"/> as it stands.</summary>
    /// <exception cref="InvalidDataException">The bytes are not such a file.</exception>
    public static BlockFileHeader ReadBlocks(Stream input, Action<BlockFileHeader, byte[]> onBlock)
    {
        try
        {
            using BinaryReader reader = new(input, Encoding.UTF8, leaveOpen: true);
            if (Encoding.ASCII.GetString(reader.ReadBytes(Magic.Length)) != Magic)
                throw new InvalidDataException($"The file does not begin with {Magic}: it was not written by 'telemetry block pack'.");
            string[] names = reader.ReadString().Split(',');
            long baseMs = reader.Read7BitEncodedInt64();
            int time = reader.ReadByte();
            byte[] codings = reader.ReadBytes(names.Length - 1);
            if (codings.Length != names.Length - 1) throw new EndOfStreamException();
            BlockFileHeader header = new(names, baseMs, new TimeFormat((time & 1) != 0, time >> 1), codings, reader.BaseStream.Position);
            while (reader.BaseStream.Position < reader.BaseStream.Length)
            {
                int length = reader.Read7BitEncodedInt();
                if (length is < 1 or > MaxBlockBytes) throw new InvalidDataException($"A block of {length} bytes stands at byte {reader.BaseStream.Position}.");
                byte[] block = reader.ReadBytes(length);
                if (block.Length != length) throw new EndOfStreamException();
                onBlock(header, block);
            }

            return header;
        }
        catch (Exception fault) when (fault is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("The file ends inside a block.", fault);
        }
    }

    /// <summary>Writes the CSV a file of blocks was made from.</summary>
    /// <exception cref="InvalidDataException">The bytes are not such a file, or a block in it is damaged.</exception>
    public static void Unpack(Stream input, TextWriter output)
    {
        BlockDecoder decoder = new();
        bool hasHeader = false;
        BlockFileHeader read = ReadBlocks(input, (header, block) =>
        {
            if (!hasHeader) output.Write(string.Join(',', header.Names) + "\n");
            hasHeader = true;
            RefusalReason reason = decoder.Decode(block, isPlain: false);
            if (reason != RefusalReason.None) throw new InvalidDataException($"A block of the file is damaged ({reason}).");
            WriteRows(header, decoder, output);
        });
        if (!hasHeader) output.Write(string.Join(',', read.Names) + "\n");
    }

    private static int[] FilledColumns(CsvSeries series, int row)
    {
        List<int> filled = [];
        for (int column = 0; column < series.Columns.Count; column++)
        {
            if (series.Columns[column].Values[row] is not null) filled.Add(column);
        }

        return [.. filled];
    }

    private static void PackRows(CsvSeries series, long baseMs, int[] filled, int from, int to, int rowsPerBlock, BinaryWriter writer)
    {
        int[] signals = filled.Length == 0 ? [EmptyRowSignal] : [.. filled.Select(column => column + 1)];
        byte[] kinds = filled.Length == 0 ? [BlockEncoder.KindInteger] : [.. filled.Select(column => Kind(series.Columns[column]))];
        int buffer = Math.Max(BlockEncoder.LeastBufferBytes(signals.Length), Math.Min(rowsPerBlock, to - from) * signals.Length * BytesPerValue);
        BlockEncoder encoder = new(signals, kinds, rowsPerBlock, buffer);
        for (int row = from; row < to; row++)
        {
            SetRow(encoder, series, filled, row);
            long time = series.TimesMs[row] - baseMs;
            if (encoder.TryAddRow(time, 0)) continue;
            WriteBlock(encoder, writer);
            if (!encoder.TryAddRow(time, 0)) throw new InvalidDataException($"Line {row + 2}: the time is more than 2^48 ms after the first.");
        }

        WriteBlock(encoder, writer);
    }

    private static byte Kind(CsvColumn column) =>
        column.Coding == CsvCoding.Real ? BlockEncoder.KindReal : column.IsWide ? BlockEncoder.KindWide : BlockEncoder.KindInteger;

    private static void SetRow(BlockEncoder encoder, CsvSeries series, int[] columns, int row)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            CsvColumn column = series.Columns[columns[i]];
            long value = column.Values[row].GetValueOrDefault();
            if (Kind(column) == BlockEncoder.KindInteger) encoder.Set(i, (int)value);
            else encoder.SetWide(i, value);
        }
    }

    private static void WriteBlock(BlockEncoder encoder, BinaryWriter writer)
    {
        byte[] block = new byte[encoder.Complete()];
        encoder.Finish(block, 0, block.Length);
        writer.Write7BitEncodedInt(block.Length);
        writer.Write(block);
    }

    private static void WriteRows(BlockFileHeader header, BlockDecoder block, TextWriter output)
    {
        StringBuilder line = new();
        for (int row = 0; row < block.RowCount; row++)
        {
            line.Clear().Append(header.Time.Write(header.BaseMs + block.TimesMs[row]));
            for (int column = 1; column < header.Names.Count; column++)
            {
                line.Append(',');
                int at = block.FindColumn(column);
                if (at < 0) continue;
                byte coding = header.Codings[column - 1];
                long value = block.IsReal(at) ? BitConverter.DoubleToInt64Bits(block.Reals(at)[row]) : block.Integers(at)[row];
                line.Append(CsvColumn.Write((CsvCoding)(coding & 3), coding >> 2, value));
            }

            output.Write(line.Append('\n'));
        }
    }
}

/// <summary>The front of a file of blocks.</summary>
/// <param name="Names">Cells of the CSV's header.</param>
/// <param name="BaseMs">Time of the CSV that the blocks count from.</param>
/// <param name="Time">How the CSV writes time.</param>
/// <param name="Codings">Per signal: <see cref="CsvCoding"/> | decimals * 4.</param>
/// <param name="Bytes">Bytes of the front itself.</param>
public sealed record BlockFileHeader(IReadOnlyList<string> Names, long BaseMs, TimeFormat Time, byte[] Codings, long Bytes);
