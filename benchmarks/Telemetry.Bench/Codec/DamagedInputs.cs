using Telemetry.Device.Sampling;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Codec;

/// <summary>
/// Damaged blocks and batches, from a seed, and the decoders that must answer them. Batches are sealed again after the damage, so that the checksum hides nothing.
/// </summary>
internal sealed class DamagedInputs
{
    private const int Sources = 64;
    private const int LessonRows = 150; // of noise, after which a column is written about its level
    private readonly Random _random;
    private readonly BlockDecoder _block = new();
    private readonly BatchDecoder _batch = new();
    private readonly byte[][] _blocks;
    private readonly byte[] _sealed;
    private long _count;

    /// <summary>Draws the good inputs.</summary>
    public DamagedInputs(int seed)
    {
        _random = new Random(seed);
        _blocks = [.. Enumerable.Range(0, Sources).Select(_ => Block(_random))];
        _sealed = Batch(_blocks);
    }

    /// <summary>The input last tried.</summary>
    public byte[] Last { get; private set; } = [];

    /// <summary>It was tried as a packed block.</summary>
    public bool LastIsPacked { get; private set; }

    /// <summary>Damages one input and decodes it: a packed block, one taken for a plain block, or a batch.</summary>
    /// <returns>True when it can still be read.</returns>
    /// <exception cref="InvalidOperationException">A refused block has rows, or a read one more than the limits allow.</exception>
    public bool TryNext()
    {
        long turn = _count++ % 4;
        LastIsPacked = turn > 1;
        Last = Damage(_random, turn == 0 ? _sealed : _blocks[_random.Next(_blocks.Length)]);
        if (turn == 0)
        {
            Reseal(Last);
            return _batch.Check(Last, out _, out _) == RefusalReason.None;
        }

        bool isGood = _block.Decode(Last, isPlain: turn == 1) == RefusalReason.None;
        bool isBounded = isGood ? _block.RowCount is >= 1 and <= WireLimits.MaxBlockRows && _block.ColumnCount is >= 1 and <= WireLimits.MaxBlockColumns : _block.RowCount == 0;
        if (!isBounded) throw new InvalidOperationException("The decoder's rows contradict its answer.");
        return isGood;
    }

    private static byte[] Block(Random random)
    {
        byte[] kinds = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (byte)(random.Next(8) < 5 ? 0 : random.Next(1, 3)))];
        BlockEncoder encoder = new([.. Enumerable.Range(3, kinds.Length)], kinds, 200, 16_384);
        bool[] isNoise = [.. kinds.Select(_ => random.Next(3) == 0)];
        long time = 0;
        int rows = random.Next(1, 120);
        for (int row = -LessonRows; row < rows; row++)
        {
            if (row == 0) encoder.Reset();
            for (int column = 0; column < kinds.Length; column++)
            {
                if (kinds[column] == BlockEncoder.KindInteger) encoder.Set(column, isNoise[column] || random.Next(4) == 0 ? random.Next(200) : 60);
                else encoder.SetWide(column, random.NextInt64() >> random.Next(64));
            }

            encoder.TryAddRow(time += random.Next(9) == 0 ? random.Next(9000) * 1000L : 1000, random.Next(5) == 0 ? random.Next(8) : 1);
        }

        byte[] bytes = new byte[encoder.Complete()];
        encoder.Finish(bytes, 0, bytes.Length);
        return bytes;
    }

    private static byte[] Batch(byte[][] blocks)
    {
        List<byte> body = [0x0D, 1, 0, 0, 0, 0x10, 1, 0x18, 1, 0x25, 1, 0, 0, 0, 0x2A, 4, 0x08, 9, 0x10, 9, 0x32, 6, 0x08, 1, 0x10, 1, 0x18, 5];
        foreach (byte[] block in blocks.Where(block => block.Length < 128).Take(6)) body.AddRange([0x3A, (byte)block.Length, .. block]);
        body.AddRange([0x42, 11, 0x08, 9, 0x20, 1, 0x2A, 5, 0x08, 3, 0x12, 1, 9, 0x7D, 0, 0, 0, 0]);
        return [.. body];
    }

    private static byte[] Damage(Random random, byte[] source)
    {
        byte[] bytes = source.AsSpan(0, random.Next(8) == 0 ? random.Next(source.Length + 1) : source.Length).ToArray();
        for (int changes = random.Next(1, 4); changes > 0 && bytes.Length > 0; changes--)
        {
            int at = random.Next(bytes.Length);
            bytes[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => (byte)(bytes[at] ^ (1 << random.Next(8))), _ => (byte)(random.Next(2) * 255) };
        }

        return bytes;
    }

    private static void Reseal(byte[] batch)
    {
        if (batch.Length < 5) return;
        batch[^5] = 0x7D;
        BitConverter.TryWriteBytes(batch.AsSpan(batch.Length - 4), Crc32C.Compute(batch.AsSpan(0, batch.Length - 5)));
    }
}
