using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Testing;

namespace Telemetry.Device.Tests;

public sealed class MemoryBudgetTests
{
    // 64-bit .NET, with events and signals of two periods, so two open blocks. Of one period: benchmarks/results/record.md.
    private const int MostBytes = 4864;

    [Fact]
    public void Client_EightSignals_TakesItsMemoryOnceAndWithinBudget()
    {
        MemoryFlash flash = new(256, 4096, 16);
        ManualClock clock = new(0);
        TelemetryOptions options = OptionsFor(flash, clock);
        _ = new TelemetryClient(OptionsFor(new MemoryFlash(256, 4096, 16), clock)); // types are loaded, statics made
        long made = Allocation.LeastBytes(() => GC.KeepAlive(new TelemetryClient(options)));
        Assert.True(made <= MostBytes, $"a client of eight signals takes {made} bytes");
    }

    [Fact]
    public void Client_EightSignalsOfOnePeriod_IsWithinFourKilobytes()
    {
        const int ProfileBytes = 304; // made before
        const int SecretBytes = 40; // as UTF-8, which nobody keeps
        ManualClock clock = new(0);
        TelemetryOptions options = OptionsFor(new MemoryFlash(256, 4096, 16), clock);
        options.Profile = new Profile(9, [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 1, 1, 1, 1], [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
        _ = new TelemetryClient(options);
        long made = Allocation.LeastBytes(() => GC.KeepAlive(new TelemetryClient(options)));
        Assert.InRange(made, 1, 4096 - ProfileBytes + SecretBytes);
    }

    [Fact]
    public void Record_LongAfterStart_AllocatesNothing()
    {
        ManualClock clock = new(0);
        TelemetryClient client = new(OptionsFor(new MemoryFlash(256, 4096, 16), clock));
        Drive(client, clock, 2000);
        Assert.Equal(0, Allocation.LeastBytes(() => Drive(client, clock, 20_000)));
    }

    [Fact]
    public void Client_FromItsFirstStepOn_TakesNothingMore()
    {
        ManualClock clock = new(0);
        TelemetryClient client = null!;
        MemoryFlash flash = new(256, 4096, 16);
        long made = Allocation.LeastBytes(() => client = new TelemetryClient(OptionsFor(flash, clock)));
        long driven = Allocation.LeastBytes(() =>
        {
            client = new TelemetryClient(OptionsFor(flash, clock));
            Drive(client, clock, 2000); // samples, seals, attempts to connect
        });
        Assert.True(client.ReadCounters().FailedConnects > 0);
        Assert.Equal(made, driven);
    }

    private static void Drive(TelemetryClient client, ManualClock clock, int seconds)
    {
        for (int second = 0; second < seconds; second++)
        {
            for (int signal = 1; signal <= 3; signal++) client.Record(signal, (second * signal) & 127);
            if (second % 60 == 0)
            {
                for (int signal = 4; signal <= 8; signal++) client.Record(signal, (second * signal) & 127);
            }

            client.Step();
            clock.Advance(1000);
        }
    }

    private static TelemetryOptions OptionsFor(MemoryFlash flash, ManualClock clock) => new()
    {
        Brand = "acme",
        Device = "dev",
        Secret = "0123456789abcdef",
        Host = "h",
        Clock = clock,
        Flash = flash,
        Transport = new ScriptedBroker { IsUp = false },
        Seed = 3,
        Profile = new Profile(9, [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 2, 2, 3, 4], [1000, 1000, 1000, 60000, 60000, 60000, 0, 0]),
    };
}
