using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests;

public sealed class RecordThreadsTests
{
    private const int Threads = 4;

    [Fact]
    public void Record_FromFourThreads_LosesNothing()
    {
        TelemetryClient client = MakeClient();
        RunAll(signal =>
        {
            for (int n = 0; n < 20_000; n++) client.Record(signal, n & 63);
        });

        AssertWhole(client, Threads * 20_000);
    }

    // The first recording thread owns the ring and is known by its stack, which the system hands to threads that begin later.
    [Fact]
    public void Record_FromThreadsThatEndWhileOthersBegin_LosesNothing()
    {
        TelemetryClient client = MakeClient();
        RunAll(signal =>
        {
            for (int generation = 0; generation < 100; generation++)
            {
                Thread shortLived = new(() =>
                {
                    for (int n = 0; n < 100; n++) client.Record(signal, n);
                });
                shortLived.Start();
                shortLived.Join();
            }
        });

        AssertWhole(client, Threads * 100 * 100);
    }

    [Fact]
    public void Record_FromFramesOfAnyDepth_LosesNothing()
    {
        TelemetryClient client = MakeClient();
        RunAll(signal =>
        {
            for (int n = 0; n < 200; n++) RecordAtDepth(client, signal, n);
        });

        AssertWhole(client, Threads * 200);
    }

    private static void RecordAtDepth(TelemetryClient client, int signal, int depth)
    {
        Span<byte> frame = stackalloc byte[512]; // 200 of them are six times what an owner is known by
        frame[0] = (byte)depth;
        if (depth > 0) RecordAtDepth(client, signal, depth - 1);
        else client.Record(signal, frame[0]);
    }

    private static void RunAll(Action<int> record)
    {
        Thread[] threads = new Thread[Threads];
        for (int i = 0; i < threads.Length; i++)
        {
            int signal = i + 1;
            threads[i] = new Thread(() => record(signal));
        }

        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
    }

    private static void AssertWhole(TelemetryClient client, long recorded)
    {
        client.Flush();
        TelemetryCounters counters = client.ReadCounters();
        Assert.Equal(recorded, counters.Recorded);
        Assert.Equal(recorded, counters.Spooled + counters.Open + counters.DroppedTotal);
        Assert.Equal(0, counters.Open);
    }

    private static TelemetryClient MakeClient() => new(new TelemetryOptions
    {
        Brand = "acme",
        Device = "dev",
        Secret = "0123456789abcdef",
        Host = "h",
        Clock = new SystemClock(trustsWall: false),
        Flash = new MemoryFlash(256, 4096, 16),
        Transport = new ScriptedBroker { IsUp = false },
        Seed = 3,
        Profile = new Profile(9, [1, 2, 3, 4], [1, 1, 1, 1], [1000, 1000, 1000, 1000]),
    });
}
