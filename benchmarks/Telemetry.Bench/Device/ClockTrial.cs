using Google.Protobuf;
using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.V1;

namespace Telemetry.Bench.Device;

/// <summary>
/// A device on a virtual clock that drifts: three days within reach of the collector, then seven without, in which its battery-backed clock is lost twice.
/// Each sample's value is its number, so the truth of every one that arrives is known; it is placed by the collector's own rule.
/// </summary>
/// <param name="stepMs">Time between two samples.</param>
/// <param name="driftPpm">How much the crystal is slow.</param>
/// <param name="seed">Of the server's error.</param>
internal sealed class ClockTrial(int stepMs, int driftPpm, int seed)
{
    private const long StartUnixMs = 1_790_000_000_000;
    private const long DayMs = 86_400_000;
    private const int ServerErrorMs = 20;
    private const int MostTurns = 1000;

    private readonly Random _random = new(seed);
    private readonly ScriptedBroker _broker = new();
    private readonly MemoryFlash _flash = new(256, 4096, 512);
    private readonly List<long> _truth = [];
    private DriftingClock _clock = null!;
    private TelemetryClient _client = null!;
    private long _nowUnixMs = StartUnixMs;

    public ClockResult Run()
    {
        Boot(hasRtc: true);
        RunFor(3 * DayMs);
        _broker.IsUp = false;
        RunFor(5 * DayMs / 2);
        Boot(hasRtc: false);
        RunFor(5 * DayMs / 2);
        Boot(hasRtc: false);
        RunFor(2 * DayMs);
        _broker.IsUp = true;
        RunFor(DayMs / 4);
        _client.Flush();
        RunFor(DayMs / 4);
        return Judge();
    }

    // The power goes and comes back: RAM is forgotten, uptime begins at 0, flash is mounted.
    private void Boot(bool hasRtc)
    {
        _broker.Drop();
        _clock = new DriftingClock(_nowUnixMs, driftPpm, hasRtc) { NowUnixMs = _nowUnixMs };
        _client = new TelemetryClient(new TelemetryOptions
        {
            Brand = "acme", Device = "dev", Secret = "s", Host = "h", Clock = _clock, Flash = _flash, Transport = _broker, Seed = _random.Next(1, int.MaxValue),
            Profile = new Profile(1, [1], [1], [stepMs]), DisconnectWhenIdle = true,
        });
    }

    private void RunFor(long ms)
    {
        for (long end = _nowUnixMs + ms; _nowUnixMs < end; _nowUnixMs += stepMs)
        {
            _clock.NowUnixMs = _nowUnixMs;
            _client.RecordAt(1, _truth.Count, _client.UptimeMs);
            _truth.Add(_nowUnixMs);
            _broker.Command = new Command
            {
                ServerUnixMs = (ulong)(_nowUnixMs + _random.Next(-ServerErrorMs, ServerErrorMs + 1)), ServerErrorMs = ServerErrorMs, Version = 1,
            }.ToByteArray();
            for (int turn = 0; turn < MostTurns && _client.Step() == 0; turn++)
            {
                // until it wants time to pass
            }
        }
    }

    private ClockResult Judge()
    {
        BootClocks clocks = new();
        List<(BatchHeader Header, byte[] Bytes)> batches = [];
        foreach (byte[] bytes in _broker.Published)
        {
            if (BatchReader.ReadHeader(bytes, out BatchHeader header, out _) != DecodeStatus.Done) throw new InvalidOperationException("A batch does not read.");
            clocks.Learn(1, header);
            batches.Add((header, bytes));
        }

        BlockDecoder decoder = new();
        List<long> errors = [];
        HashSet<long> seen = [];
        long flagged = 0, wrong = 0;
        foreach ((BatchHeader header, byte[] bytes) in batches)
        {
            bool isPlaced = clocks.TryPlace(1, header, out PlacedClock clock) && clock.ErrorMs != ClockReading.UnknownErrorMs;
            foreach (BlockSlice slice in BatchReader.Blocks(bytes))
            {
                if (decoder.Decode(bytes.AsSpan(slice.Offset, slice.Length)) != DecodeStatus.Done) throw new InvalidOperationException("A block does not read.");
                for (int row = 0; row < decoder.RowCount; row++)
                {
                    long number = decoder.Integers(0)[row];
                    if (!seen.Add(number)) continue;
                    if (!isPlaced)
                    {
                        flagged++;
                        continue;
                    }

                    long error = Math.Abs(clock.ToUnixMs(decoder.TimesMs[row]) - _truth[(int)number]);
                    errors.Add(error);
                    if (error > 1000 && error > clock.ErrorMs) wrong++;
                }
            }
        }

        errors.Sort();
        return new ClockResult(_truth.Count, seen.Count, errors.Count, flagged, wrong, errors[(int)(errors.Count * 0.99)], errors[^1]);
    }

    /// <summary>A crystal that is slow, and a battery-backed clock beside it that may be lost.</summary>
    private sealed class DriftingClock(long bootUnixMs, int driftPpm, bool hasRtc) : IClock
    {
        public long NowUnixMs { get; set; }

        public long UptimeMs => (long)((Int128)(NowUnixMs - bootUnixMs) * (1_000_000 - driftPpm) / 1_000_000);

        public long ReadWallUnixMs() => hasRtc ? bootUnixMs + UptimeMs : 0;

        public void SetWallUnixMs(long unixMs)
        {
        }
    }
}

/// <summary>What came of the trial.</summary>
/// <param name="Recorded">Samples given to the client.</param>
/// <param name="Arrived">Samples that arrived; the power cuts take those that were not sealed.</param>
/// <param name="Placed">Of them, those with a time and a bound.</param>
/// <param name="Flagged">Of them, those marked as of unknown time.</param>
/// <param name="WrongAndNotFlagged">Placed more than a second beside the truth, and beyond the bound they carry.</param>
/// <param name="P99ErrorMs">Of the placed ones.</param>
/// <param name="MaxErrorMs">Of the placed ones.</param>
internal sealed record ClockResult(long Recorded, long Arrived, long Placed, long Flagged, long WrongAndNotFlagged, long P99ErrorMs, long MaxErrorMs);
