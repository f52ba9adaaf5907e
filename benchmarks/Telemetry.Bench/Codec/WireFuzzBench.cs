namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench fuzz-wire [--inputs N] [--seed S]</c>: damaged blocks and batches against the decoders. Every input must end in an answer;
/// an exception ends the process with the seed that repeats it.
/// </summary>
internal static class WireFuzzBench
{
    public static int Run(BenchOptions options)
    {
        long count = RoundTripBench.Number(options, "--inputs", 5_000_000);
        int seed = (int)RoundTripBench.Number(options, "--seed", 1);
        DamagedInputs inputs = new(seed);
        long good = 0;
        for (long i = 0; i < count; i++)
        {
            try
            {
                if (inputs.TryNext()) good++;
            }
            catch (Exception fault)
            {
                Console.Error.WriteLine($"Input {i} of seed {seed} throws {fault.GetType().Name}: {Convert.ToHexString(inputs.Last)}");
                return 1;
            }
        }

        Console.WriteLine(options.Json ? $"{{\"inputs\":{count},\"seed\":{seed},\"readable\":{good},\"failed\":0}}" : $"{count} inputs, seed {seed}: {good} readable, the rest refused, none threw");
        return 0;
    }
}
