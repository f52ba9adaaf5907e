using Telemetry.Device.Sampling;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench fuzz-wire [--inputs N] [--seed S]</c>: damaged blocks and batches against the decoders. Every input must end in an answer;
/// an exception ends the process with the seed that repeats it. Batches are sealed again after the damage, so that the checksum hides nothing.
/// </summary>
internal static class WireFuzzBench
{
    public static int Run(BenchOptions options)
    {
        long inputs = RoundTripBench.Number(options, "--inputs", 5_000_000);
        int seed = (int)RoundTripBench.Number(options, "--seed", 1);
        Random random = new(seed);
        BlockDecoder block = new();
        BatchDecoder batch = new();
        byte[][] blocks = [.. Enumerable.Range(0, 64).Select(_ => Block(random))];
        byte[] sealedBatch = Batch(blocks);
        long good = 0;
        for (long i = 0; i < inputs; i++)
        {
            byte[] damaged = Damage(random, i % 4 == 0 ? sealedBatch : blocks[random.Next(blocks.Length)]);
            try
            {
                if (i % 4 == 0)
                {
                    Reseal(damaged);
                    if (batch.Check(damaged, out _, out _) == RefusalReason.None) good++;
                }
                else if (block.Decode(damaged, isPlain: i % 4 == 1) == RefusalReason.None)
                {
                    good++;
                }
            }
            catch (Exception fault)
            {
                Console.Error.WriteLine($"Input {i} of seed {seed} throws {fault.GetType().Name}: {Convert.ToHexString(damaged)}");
                return 1;
            }
        }

        Console.WriteLine(options.Json ? $"{{\"inputs\":{inputs},\"seed\":{seed},\"readable\":{good},\"failed\":0}}" : $"{inputs} inputs, seed {seed}: {good} readable, the rest refused, none threw");
        return 0;
    }

    private static byte[] Block(Random random)
    {
        byte[] kinds = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (byte)(random.Next(8) < 5 ? 0 : random.Next(1, 3)))];
        BlockEncoder encoder = new([.. Enumerable.Range(3, kinds.Length)], kinds, 200, 16_384);
        long time = 0;
        for (int row = random.Next(1, 120); row > 0; row--)
        {
            for (int column = 0; column < kinds.Length; column++)
            {
                if (kinds[column] == BlockEncoder.KindInteger) encoder.Set(column, random.Next(4) == 0 ? random.Next(200) : 60);
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
