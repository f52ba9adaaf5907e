using Telemetry.Device.Platform;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;

namespace Telemetry.Device.Tests.Support;

/// <summary>A client on a virtual clock, RAM flash and a scripted broker.</summary>
internal sealed class Rig
{
    public const int HeartRate = 1, Cadence = 2, Temperature = 3, Button = 4, Door = 5, Power = 6;

    public Rig(Action<TelemetryOptions>? change = null, MemoryFlash? flash = null, ManualClock? clock = null)
    {
        Flash = flash ?? new MemoryFlash(256, 4096, 16);
        Clock = clock ?? new ManualClock(0);
        Options = new TelemetryOptions
        {
            Brand = "acme", Device = "dev", Secret = "s", Host = "h", Profile = Signals(), Clock = Clock, Flash = Flash, Transport = Broker, Seed = 7,
            UploadIntervalMs = 0, // what is sealed goes at once; UploadBudgetTests have the default
        };
        change?.Invoke(Options);
        Client = new TelemetryClient(Options);
    }

    public ScriptedBroker Broker { get; } = new();

    public MemoryFlash Flash { get; }

    public ManualClock Clock { get; }

    public TelemetryOptions Options { get; }

    public TelemetryClient Client { get; }

    public static Profile Signals() => new(
        0x1234,
        [HeartRate, Cadence, Temperature, Button, Door, Power],
        [(byte)SignalKind.Gauge, (byte)SignalKind.Gauge, (byte)SignalKind.Gauge, (byte)SignalKind.Event, (byte)SignalKind.State, (byte)SignalKind.Real],
        [1000, 1000, 1000, 0, 0, 0])
    {
        Minimums = [0, 0, -4000, 0, 0, 0],
        Maximums = [250, 250, 12000, 10, 1, 0],
        Resolutions = [1, 1, 0.01, 1, 1, 1],
    };

    /// <summary>Turns the pump until nothing moves, for at most <paramref name="virtualMs"/>.</summary>
    public void Run(long virtualMs)
    {
        long end = Clock.UptimeMs + virtualMs;
        while (true)
        {
            int wait = Client.Step();
            if (Clock.UptimeMs >= end) return;
            Clock.Advance(Math.Clamp(wait, 1, end - Clock.UptimeMs));
        }
    }

    /// <summary>Every sample of some batches: signal, uptime, value (reals as bits).</summary>
    public static List<(int Signal, long Ms, long Value)> Samples(IEnumerable<byte[]> batches)
    {
        List<(int, long, long)> samples = [];
        BlockDecoder decoder = new();
        foreach (byte[] batch in batches)
        {
            DecodeStatus status = BatchReader.ReadHeader(batch, out _, out var reason);
            Assert.True(status == DecodeStatus.Done, $"batch does not read: {status} {reason}");
            foreach (BlockSlice slice in BatchReader.Blocks(batch))
            {
                Assert.Equal(DecodeStatus.Done, decoder.Decode(batch.AsSpan(slice.Offset, slice.Length)));
                for (int column = 0; column < decoder.ColumnCount; column++)
                {
                    for (int row = 0; row < decoder.RowCount; row++)
                    {
                        long value = decoder.IsReal(column) ? BitConverter.DoubleToInt64Bits(decoder.Reals(column)[row]) : decoder.Integers(column)[row];
                        samples.Add((decoder.SignalId(column), decoder.TimesMs[row], value));
                    }
                }
            }
        }

        return samples;
    }

    public void AssertConserved()
    {
        TelemetryCounters c = Client.ReadCounters();
        Assert.Equal(c.Restored + c.Recorded, c.Acked + c.Spooled + c.Open + c.DroppedTotal);
    }
}
