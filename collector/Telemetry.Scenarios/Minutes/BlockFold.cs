using Telemetry.Wire.Blocks;

namespace Telemetry.Scenarios.Minutes;

/// <summary>Gives a fold the row to fold into.</summary>
public interface IMinuteSink
{
    /// <summary>The device's part of a minute (whole minutes since 1970 UTC), or null when nothing may be derived from it.</summary>
    DeviceMinute? Minute(int minute);
}

/// <summary>Folds decoded blocks into minutes, a column at a time: one lookup a minute and column, then a tight loop.</summary>
public static class BlockFold
{
    private const long MsPerMinute = 60_000;

    // 2001-09-09 to 2100: a placed time outside is a broken clock, not a minute of anyone's life.
    private const long LeastUnixMs = 1_000_000_000_000, MostUnixMs = 4_102_444_800_000;

    /// <summary>Folds the block the decoder holds.</summary>
    /// <param name="block">A decoded block.</param>
    /// <param name="slots">Of the profile the batch names.</param>
    /// <param name="unixMinusUptimeMs">Unix ms of a row = its uptime + this.</param>
    /// <param name="sink">Where the minutes are.</param>
    /// <returns>Samples folded; those of unknown signals, out of range or at impossible times are not among them.</returns>
    public static long Fold(BlockDecoder block, ProfileSlots slots, long unixMinusUptimeMs, IMinuteSink sink)
    {
        ReadOnlySpan<long> times = block.TimesMs;
        ReadOnlySpan<byte> quality = block.Quality;
        long folded = 0;
        for (int start = 0; start < times.Length;)
        {
            long unixMs = times[start] + unixMinusUptimeMs;
            long minute = unixMs / MsPerMinute;
            int end = EndOfMinute(times, start, (minute * MsPerMinute) - unixMinusUptimeMs);
            if (IsPossible(unixMs) && sink.Minute((int)minute) is { } device)
            {
                if (!quality.IsEmpty) AddQuality(device, quality[start..end]);
                long minuteStartMs = (minute * MsPerMinute) - unixMinusUptimeMs;
                for (int column = 0; column < block.ColumnCount; column++)
                {
                    if (slots.Find(block.SignalId(column)) is not { } target) continue;
                    folded += block.IsReal(column)
                        ? FoldReals(device, target, block.Reals(column)[start..end], times[start..end], minuteStartMs)
                        : FoldIntegers(device, target, block.Integers(column)[start..end], times[start..end], minuteStartMs);
                }
            }

            start = end;
        }

        if (slots.RawMotion is { } raw) folded += raw.Fold(block, unixMinusUptimeMs, sink);
        return folded;
    }

    internal static bool IsPossible(long unixMs) => unixMs is >= LeastUnixMs and < MostUnixMs;

    private static int EndOfMinute(ReadOnlySpan<long> times, int start, long minuteStartMs)
    {
        int end = start + 1;
        while (end < times.Length && (ulong)(times[end] - minuteStartMs) < (ulong)MsPerMinute) end++;
        return end;
    }

    private static void AddQuality(DeviceMinute device, ReadOnlySpan<byte> quality)
    {
        int worn = 0, charging = 0, estimated = 0;
        foreach (byte mask in quality)
        {
            worn += mask & 1;
            charging += mask >> 1 & 1;
            estimated += mask >> 2 & 1;
        }

        device.AddQuality(quality.Length, worn, charging, estimated);
    }

    private static int FoldIntegers(DeviceMinute device, SignalTarget target, ReadOnlySpan<long> values, ReadOnlySpan<long> times, long minuteStartMs)
    {
        if (target.Law.Kind == SlotKind.State || target.WholeFactor == 0) return FoldEach(device, target, values, times, minuteStartMs);

        // Sums of wire integers times a whole factor are exact, so the split into minutes and batches cannot be seen afterwards.
        long sum = 0, min = long.MaxValue, max = long.MinValue;
        int count = 0;
        foreach (long value in values)
        {
            if (value < target.MinRaw || value > target.MaxRaw) continue;
            sum += value;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
            count++;
        }

        if (count == 0) return 0;
        SlotStats part = new() { Count = count, Sum = sum * target.WholeFactor, Min = target.Scale(min), Max = target.Scale(max) };
        device.Cell(target.Law.Slot).Merge(part, target.Law.Kind);
        return count;
    }

    private static int FoldEach(DeviceMinute device, SignalTarget target, ReadOnlySpan<long> values, ReadOnlySpan<long> times, long minuteStartMs)
    {
        int count = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] < target.MinRaw || values[i] > target.MaxRaw) continue;
            Put(device, target, target.Scale(values[i]), (int)(times[i] - minuteStartMs));
            count++;
        }

        return count;
    }

    private static int FoldReals(DeviceMinute device, SignalTarget target, ReadOnlySpan<double> values, ReadOnlySpan<long> times, long minuteStartMs)
    {
        int count = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (!target.TryScale(values[i], out int scaled)) continue;
            Put(device, target, scaled, (int)(times[i] - minuteStartMs));
            count++;
        }

        return count;
    }

    private static void Put(DeviceMinute device, SignalTarget target, int scaled, int offsetMs)
    {
        ref SlotStats cell = ref device.Cell(target.Law.Slot);
        if (target.Law.Kind == SlotKind.State) cell.AddState(offsetMs, scaled);
        else cell.Add(scaled);
    }
}
