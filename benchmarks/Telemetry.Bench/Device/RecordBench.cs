using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Telemetry.Device;
using Telemetry.Device.Platform;

namespace Telemetry.Bench.Device;

/// <summary>
/// <c>tools/bench record</c>: what a Record costs its caller, and what a client takes of memory. A tick records eight signals of one period and reads
/// the clock once, as firmware does; the pump packs between ticks and is not in the figure, except where a full ring makes the caller pack (p999).
/// Beside it the same with Record, which reads the clock each time.
/// </summary>
internal static class RecordBench
{
    private const int Signals = 8;
    private const int Ticks = 400_000;
    private const long GrowthRecords = 100_000_000;

    public static int Run(BenchOptions options)
    {
        (double p50, double p999, double ownClock) = MeasureTicks();
        double allocated = MeasureAllocation();
        long lost = MeasureThreads(out long recorded);
        Memory memory = MeasureMemory();
        ObjectGraph small = new(new TelemetryClient(MakeSmallOptions()));
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                p50Ns = p50, p999Ns = p999, allocatedBytesPerRecord = allocated, lost, p50NsOwnClock = ownClock, threads = 8, recorded,
                managedBytesSteady = memory.Held.Bytes, managedBytesPeak = memory.Peak, growthBytes = memory.Growth, growthRecords = GrowthRecords,
                managedObjects = memory.Held.Objects, managedBytes32Bit = memory.Held.NanoBytes,
                managedBytesSmall = small.Bytes, managedBytesSmall32Bit = small.NanoBytes,
            }));
            return lost == 0 ? 0 : 1;
        }

        Console.WriteLine($"RecordAt, eight signals a tick   p50 {p50:F1} ns   p99.9 {p999:F1} ns   {allocated:F3} bytes a record");
        Console.WriteLine($"Record, reading the clock itself p50 {ownClock:F1} ns");
        Console.WriteLine($"8 threads: {recorded:N0} recorded, {lost} lost");
        Console.WriteLine($"client of eight signals: {memory.Held.Bytes:N0} bytes steady, {memory.Peak:N0} at most, {memory.Growth:N0} more after {GrowthRecords:N0} records");
        Console.WriteLine($"in {memory.Held.Objects} objects, which take {memory.Held.NanoBytes:N0} bytes by the layout of nanoFramework's heap on a 32-bit chip");
        Console.WriteLine($"with the options for a small chip (device/PORTING.md): {small.Bytes:N0} and {small.NanoBytes:N0} bytes");
        foreach ((string holder, ObjectGraph.Part part) in memory.Held.Parts)
        {
            Console.WriteLine($"  {holder,-32} {part.Objects,4} objects {part.Bytes,8:N0} {part.NanoBytes,8:N0}");
        }

        return lost == 0 ? 0 : 1;
    }

    // Each tick stands between two readings of the stopwatch. What those cost by themselves is measured between the same steps, because it is twice as
    // much in a core whose other half is busy, and its median taken off. The timed loops are methods of their own: one that loops for the whole run would
    // be measured in the state in which the runtime replaces it as it runs.
    private static (double P50, double P999, double OwnClock) MeasureTicks()
    {
        TelemetryClient client = MakeClient();
        long[] given = new long[Ticks];
        long[] read = new long[Ticks];
        long[] empty = new long[Ticks];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int tick = 0; tick < Ticks; tick++)
            {
                given[tick] = TimeTick(client, tick & 63);
                client.Step();
                read[tick] = TimeTickOwnClock(client, tick & 63);
                client.Step();
                empty[tick] = TimeNothing();
                client.Step();
            }
        }

        Array.Sort(given);
        Array.Sort(read);
        Array.Sort(empty);
        double perTick = 1e9 / Stopwatch.Frequency / Signals;
        long stopwatch = empty[Ticks / 2];
        return ((given[Ticks / 2] - stopwatch) * perTick, (given[(int)(Ticks * 0.999)] - stopwatch) * perTick, (read[Ticks / 2] - stopwatch) * perTick);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long TimeTick(TelemetryClient client, int value)
    {
        long start = Stopwatch.GetTimestamp();
        long now = client.UptimeMs;
        for (int signal = 1; signal <= Signals; signal++) client.RecordAt(signal, value, now);
        return Stopwatch.GetTimestamp() - start;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long TimeTickOwnClock(TelemetryClient client, int value)
    {
        long start = Stopwatch.GetTimestamp();
        for (int signal = 1; signal <= Signals; signal++) client.Record(signal, value);
        return Stopwatch.GetTimestamp() - start;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long TimeNothing()
    {
        long start = Stopwatch.GetTimestamp();
        return Stopwatch.GetTimestamp() - start;
    }

    // Steady: the objects that can be reached from the client in the end, its profile and its open block included and its flash not. Peak: all it ever
    // took, as if nothing were collected, from the constructor over 10^8 records on a virtual clock with a broker that is not there. Growth: what of
    // that was taken behind the constructor.
    private static Memory MeasureMemory()
    {
        ManualClock clock = new(0);
        Drive(MakeClient(clock: clock), clock, 1_000_000); // types are loaded, statics made
        TelemetryOptions options = MakeOptions(new MemoryFlash(256, 4096, 64), clock);
        TelemetryClient client = null!;
        long made = long.MaxValue;
        for (int i = 0; i < 3; i++) // the least: now and then the runtime takes some for itself
        {
            long start = GC.GetAllocatedBytesForCurrentThread();
            options.Profile = MakeProfile();
            client = new(options);
            made = Math.Min(made, GC.GetAllocatedBytesForCurrentThread() - start);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Drive(client, clock, GrowthRecords);
        long growth = GC.GetAllocatedBytesForCurrentThread() - before;
        TelemetryCounters counters = client.ReadCounters();
        if (counters.Recorded != GrowthRecords) throw new InvalidOperationException($"{counters.Recorded} samples recorded, {GrowthRecords} were given.");
        return new Memory(made + growth, growth, new ObjectGraph(client));
    }

    private static void Drive(TelemetryClient client, ManualClock clock, long records)
    {
        for (long record = 0; record < records; record += Signals)
        {
            int value = (int)(record >> 5) & 63;
            for (int signal = 1; signal <= Signals; signal++) client.RecordAt(signal, value, clock.UptimeMs);
            clock.Advance(1000);
            client.Step();
        }
    }

    private static double MeasureAllocation()
    {
        TelemetryClient client = MakeClient();
        for (int tick = 0; tick < 20_000; tick++) Tick(client, tick);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int tick = 0; tick < 100_000; tick++) Tick(client, tick);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (100_000.0 * Signals);
    }

    private static void Tick(TelemetryClient client, int tick)
    {
        for (int signal = 1; signal <= Signals; signal++) client.Record(signal, tick & 63);
        client.Step();
    }

    // Lost = recorded and neither spooled nor open nor counted as dropped. The spool is large enough that nothing is evicted.
    private static long MeasureThreads(out long recorded)
    {
        TelemetryClient client = MakeClient(new MemoryFlash(4096, 65536, 2048));
        const int Each = 250_000;
        Thread[] threads = new Thread[8];
        for (int i = 0; i < threads.Length; i++)
        {
            int signal = i + 1;
            threads[i] = new Thread(() =>
            {
                for (int n = 0; n < Each; n++) client.Record(signal, n & 63);
            });
        }

        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        client.Flush();
        TelemetryCounters counters = client.ReadCounters();
        recorded = counters.Recorded;
        return (8L * Each) - counters.Spooled - counters.Acked - counters.Open;
    }

    private static TelemetryClient MakeClient(IFlash? flash = null, IClock? clock = null) =>
        new(MakeOptions(flash ?? new MemoryFlash(256, 4096, 64), clock ?? new SystemClock(trustsWall: false)));

    private static TelemetryOptions MakeOptions(IFlash flash, IClock clock) => new()
    {
        Brand = "bench",
        Device = "record",
        Secret = "0123456789abcdef",
        Host = "none",
        Clock = clock,
        Flash = flash,
        Transport = new NoTransport(),
        Profile = MakeProfile(),
        Seed = 1,
    };

    // As device/PORTING.md says for a small chip.
    private static TelemetryOptions MakeSmallOptions()
    {
        TelemetryOptions options = MakeOptions(new MemoryFlash(256, 4096, 16), new ManualClock(0));
        options.RingSamples = 8;
        options.BatchBytes = 480;
        options.Window = 2;
        options.CommandBytes = 128;
        return options;
    }

    private static Profile MakeProfile() => new(1, [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 1, 1, 1, 1], [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);

    private sealed record Memory(long Peak, long Growth, ObjectGraph Held);

    /// <summary>A device out of reach.</summary>
    private sealed class NoTransport : ITransport
    {
        public TransportStatus Connect(string host, int port) => TransportStatus.Broken;

        public int Send(byte[] buffer, int offset, int count) => -1;

        public int Receive(byte[] buffer, int offset, int count) => -1;

        public void Close()
        {
        }
    }
}
