namespace Telemetry.Wire.Batches;

/// <summary>Places the uptimes of batches on the wall clock. The raw readings stay in the batches; this is the correction beside them, with its bound.</summary>
/// <remarks>
/// The rule, one for every consumer of the log: a batch whose clock was set is placed by its own pair. One sealed before its device knew the time is
/// placed by the pair of the lowest seq that is known of the same boot. Lacking any, a consumer waits for one as long as it can, and then places
/// by the time of receipt, with an unknown bound. Away from its pair a clock is as sure as the crystal: the bound widens with the distance. About 100 bytes a boot; one owner.
/// </remarks>
/// <param name="maxBoots">Boots remembered; one more and all are forgotten.</param>
public sealed class BootClocks(int maxBoots = 65_536)
{
    private readonly Dictionary<DeviceBoot, BootPair> _pairs = [];

    /// <summary>Remembers the pair of a batch when its clock was set, and its boot is new or its seq the lowest of it.</summary>
    /// <returns>True when what is remembered changed.</returns>
    public bool Learn(uint deviceKey, in BatchHeader header)
    {
        if (!header.Clock.IsSet) return false;
        DeviceBoot boot = DeviceBoot.Of(deviceKey, header);
        if (_pairs.TryGetValue(boot, out BootPair known) && known.Seq <= header.Seq) return false;
        Remember(boot, new BootPair(header.Seq, PlacedClock.Of(header.Clock)));
        return true;
    }

    /// <summary>Remembers what was learned earlier and kept elsewhere.</summary>
    public void Remember(in DeviceBoot boot, in BootPair pair)
    {
        if (_pairs.Count >= maxBoots) _pairs.Clear();
        _pairs[boot] = pair;
    }

    /// <summary>Whether a pair of the boot is remembered.</summary>
    public bool Knows(in DeviceBoot boot) => _pairs.ContainsKey(boot);

    /// <summary>The clock that holds for a batch's rows.</summary>
    /// <returns>False when neither the batch nor what is known of its boot tells: then it waits, or <see cref="PlacedClock.ByReceipt"/>.</returns>
    public bool TryPlace(uint deviceKey, in BatchHeader header, out PlacedClock clock)
    {
        if (header.Clock.IsSet)
        {
            clock = PlacedClock.Of(header.Clock);
            return true;
        }

        bool isKnown = _pairs.TryGetValue(DeviceBoot.Of(deviceKey, header), out BootPair pair);
        clock = pair.Clock;
        return isKnown;
    }

    /// <summary>Forgets every boot.</summary>
    public void Clear() => _pairs.Clear();
}

/// <summary>One boot of a device: what shares an uptime clock.</summary>
/// <param name="DeviceKey">The collector's short name of the device.</param>
/// <param name="Epoch">The spool's epoch.</param>
/// <param name="Boot">The boot's number within the epoch.</param>
public readonly record struct DeviceBoot(uint DeviceKey, uint Epoch, uint Boot)
{
    /// <summary>The boot a batch was sealed in.</summary>
    public static DeviceBoot Of(uint deviceKey, in BatchHeader header) => new(deviceKey, header.Epoch, header.Boot);
}

/// <summary>The clock of one boot.</summary>
/// <param name="Seq">The batch whose pair it is: the lowest known of the boot.</param>
/// <param name="Clock">What the pair says.</param>
public readonly record struct BootPair(ulong Seq, PlacedClock Clock);

/// <summary>Unix time of uptime 0 of one boot by one pair, and the bound on its error.</summary>
/// <param name="BootUnixMs">Added to an uptime in ms, gives Unix time in ms.</param>
/// <param name="ErrorMs">Bound on the error at the pair; <see cref="ClockReading.UnknownErrorMs"/> = unknown.</param>
/// <param name="PairUptimeMs">When in the boot the pair was read.</param>
public readonly record struct PlacedClock(long BootUnixMs, uint ErrorMs, long PairUptimeMs)
{
    /// <summary>The most a device's crystal is taken to drift: twice what the SDK assumes of its own, since a pair does not say.</summary>
    public const int MostDriftPpm = 100;

    private const long Million = 1_000_000;

    /// <summary>Unix ms of an uptime.</summary>
    public long ToUnixMs(long uptimeMs) => BootUnixMs + uptimeMs;

    /// <summary>Bound on the error at an uptime: that of the pair, and <see cref="MostDriftPpm"/> of the time between them, rounded up.</summary>
    /// <param name="uptimeMs">0 to 2^48.</param>
    /// <returns>In ms; <see cref="ClockReading.UnknownErrorMs"/> = unknown, never less than it when the sum is.</returns>
    public uint ErrorMsAt(long uptimeMs)
    {
        long drift = ((Math.Abs(uptimeMs - PairUptimeMs) * MostDriftPpm) + Million - 1) / Million; // 2^48 ms * 100 < 2^55
        return (uint)Math.Min(ErrorMs + drift, ClockReading.UnknownErrorMs);
    }

    /// <summary>By a pair that was set.</summary>
    public static PlacedClock Of(in ClockReading pair) => new(pair.ToUnixMs(0), pair.ErrorMs, pair.UptimeMs);

    /// <summary>By the collector's clock when the batch came: then at the latest it was sealed.</summary>
    public static PlacedClock ByReceipt(in BatchHeader header, long receivedUnixMs) =>
        new(receivedUnixMs - header.Clock.UptimeMs, ClockReading.UnknownErrorMs, header.Clock.UptimeMs);
}
