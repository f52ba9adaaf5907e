using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>Rows of one block as plain arrays: what goes into the encoder and must come out of the decoder.</summary>
internal sealed record Series(long[] TimesMs, byte[] Quality, int[] Signals, byte[] Kinds, long[][] Columns)
{
    public int Rows => TimesMs.Length;

    /// <summary>One integer column at 1 Hz.</summary>
    public static Series OfIntegers(params long[] values) =>
        new(Enumerable.Range(0, values.Length).Select(i => 5000L + (i * 1000L)).ToArray(), new byte[values.Length], [1], [BlockEncoder.KindInteger], [values]);

    /// <summary>Packs all rows; as many blocks as it takes.</summary>
    public List<byte[]> Pack(int maxRows = BlockEncoder.MaxRows, int bufferBytes = 200_000)
    {
        BlockEncoder encoder = new(Signals, Kinds, maxRows, bufferBytes);
        List<byte[]> blocks = [];
        for (int row = 0; row < Rows; row++)
        {
            SetRow(encoder, row);
            if (encoder.TryAddRow(TimesMs[row], Quality[row])) continue;
            blocks.Add(Finish(encoder));
            Assert.True(encoder.TryAddRow(TimesMs[row], Quality[row]), "An empty block takes any row.");
        }

        if (encoder.RowCount > 0) blocks.Add(Finish(encoder));
        return blocks;
    }

    /// <summary>Asserts that the blocks decode to exactly these rows.</summary>
    public void AssertEqualTo(IEnumerable<byte[]> blocks)
    {
        BlockDecoder decoder = new(), times = new();
        int at = 0;
        foreach (byte[] block in blocks)
        {
            Assert.Equal(RefusalReason.None, decoder.Decode(block, isPlain: false));
            int rows = decoder.RowCount;
            Assert.True(at + rows <= Rows);
            Assert.Equal(Signals.Length, decoder.ColumnCount);
            Assert.True(TimesMs.AsSpan(at, rows).SequenceEqual(decoder.TimesMs), "times differ");
            Assert.Equal(RefusalReason.None, times.DecodeTimes(block, isPlain: false, out int columns));
            Assert.True(times.TimesMs.SequenceEqual(decoder.TimesMs) && columns == decoder.ColumnCount && times.ColumnCount == 0, "times alone differ");
            ReadOnlySpan<byte> quality = Quality.AsSpan(at, rows);
            Assert.True(decoder.Quality.IsEmpty ? !quality.ContainsAnyExcept((byte)0) : quality.SequenceEqual(decoder.Quality), "quality differs");
            for (int column = 0; column < Signals.Length; column++)
            {
                Assert.Equal(Signals[column], decoder.SignalId(column));
                Assert.Equal(Kinds[column] == BlockEncoder.KindReal, decoder.IsReal(column));
                ReadOnlySpan<long> actual = decoder.IsReal(column)
                    ? System.Runtime.InteropServices.MemoryMarshal.Cast<double, long>(decoder.Reals(column))
                    : decoder.Integers(column);
                Assert.True(Columns[column].AsSpan(at, rows).SequenceEqual(actual), $"column {column} differs");
            }

            at += rows;
        }

        Assert.Equal(Rows, at);
    }

    private static byte[] Finish(BlockEncoder encoder)
    {
        byte[] block = new byte[encoder.Complete()];
        Assert.Equal(block.Length, encoder.Finish(block, 0, block.Length));
        return block;
    }

    private void SetRow(BlockEncoder encoder, int row)
    {
        for (int column = 0; column < Signals.Length; column++)
        {
            long value = Columns[column][row];
            if (Kinds[column] == BlockEncoder.KindInteger) encoder.Set(column, (int)value);
            else if (Kinds[column] == BlockEncoder.KindWide) encoder.SetWide(column, value);
            else encoder.SetReal(column, BitConverter.Int64BitsToDouble(value));
        }
    }
}
