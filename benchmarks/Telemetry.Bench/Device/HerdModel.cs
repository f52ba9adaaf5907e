using Telemetry.Device.Delivery;
using Telemetry.Device.Platform;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Device;

/// <summary>A fleet that lost its broker within a second, on a calendar of 10 ms: when do attempts arrive, when is everybody back?</summary>
internal static class HerdModel
{
    private const int BucketMs = 10;

    /// <summary>Lets <paramref name="devices"/> reconnect with the SDK's policy.</summary>
    /// <param name="devices">N.</param>
    /// <param name="capacityPerSecond">C: attempts the broker can accept a second; a refusal costs <paramref name="refusalCost"/> of one.</param>
    /// <param name="outageSeconds">The broker is gone this long.</param>
    /// <param name="refusalCost">0.05 = twenty refusals cost one accept.</param>
    /// <param name="seed">Of every device's chance.</param>
    public static HerdRun Run(int devices, int capacityPerSecond, int outageSeconds, double refusalCost, int seed)
    {
        int windowMs = FleetSpread.WindowMs(devices, capacityPerSecond); // as the collector tells its fleet in time of peace
        int horizonMs = (outageSeconds * 1000) + (4 * windowMs) + 60_000;
        int[] next = new int[devices];
        int[] heads = [.. Enumerable.Repeat(-1, (horizonMs / BucketMs) + 1)];
        Chance chance = new(seed);
        byte[] failures = new byte[devices];
        for (int device = 0; device < devices; device++)
        {
            int lostMs = chance.Below(1000);
            Schedule(heads, next, device, lostMs + ReconnectPolicy.NextDelayMs(0, windowMs, 0, false, chance));
            failures[device] = 1;
        }

        long refused = 0, accepted = 0, perSecond = 0, peak = 0, slots = 0;
        double credit = 0, creditPerBucket = capacityPerSecond * BucketMs / 1000.0;
        int p999Ms = -1;
        for (int bucket = 0; bucket < heads.Length && accepted < devices; bucket++)
        {
            int nowMs = bucket * BucketMs;
            bool isUp = nowMs >= outageSeconds * 1000;
            credit = Math.Min(credit + creditPerBucket, creditPerBucket * 100); // a second's worth of accepts may queue
            if (nowMs % 1000 == 0) perSecond = 0;
            for (int device = heads[bucket]; device >= 0;)
            {
                int following = next[device];
                if (!isUp)
                {
                    Schedule(heads, next, device, nowMs + BucketMs + ReconnectPolicy.NextDelayMs(failures[device], windowMs, 0, false, chance));
                    if (failures[device] < 255) failures[device]++;
                }
                else
                {
                    perSecond++;
                    if (credit >= 1)
                    {
                        credit -= 1;
                        accepted++;
                        if (p999Ms < 0 && accepted >= devices * 0.999) p999Ms = nowMs;
                    }
                    else
                    {
                        // The broker hands out slots: the first second that is not promised yet.
                        credit -= refusalCost;
                        refused++;
                        slots = Math.Max(slots, (nowMs + 1000L) * capacityPerSecond / 1000) + 1;
                        int slotMs = (int)(slots * 1000 / capacityPerSecond) - nowMs;
                        Schedule(heads, next, device, nowMs + Math.Max(BucketMs, ReconnectPolicy.NextDelayMs(failures[device], windowMs, slotMs, false, chance)));
                    }
                }

                device = following;
            }

            if (isUp) peak = Math.Max(peak, perSecond);
        }

        double seconds = p999Ms < 0 ? double.PositiveInfinity : (p999Ms / 1000.0) - outageSeconds;
        return new HerdRun(outageSeconds, refusalCost, peak / (double)capacityPerSecond, refused / (double)devices, seconds);
    }

    private static void Schedule(int[] heads, int[] next, int device, int atMs)
    {
        int bucket = Math.Min(atMs / BucketMs, heads.Length - 1);
        next[device] = heads[bucket];
        heads[bucket] = device;
    }
}

/// <summary>What came of one outage.</summary>
internal sealed record HerdRun(int OutageSeconds, double RefusalCost, double PeakOverCapacity, double RefusedPerDevice, double P999Seconds);
