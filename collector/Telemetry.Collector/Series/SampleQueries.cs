using Telemetry.Collector.Api;
using Telemetry.Collector.Rights;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Series;

/// <summary>Answers questions for raw samples: whose device, which signal, when.</summary>
internal sealed class SampleQueries(BlockLog log, DeviceRegistry registry)
{
    /// <summary>Rows of a page at most.</summary>
    public const int MaxPageRows = 100_000;

    /// <summary>Longest step: a leap year. Far above it, the beginning of a step is no instant any more.</summary>
    public const long MostStepMs = 366 * 86_400_000L;

    /// <summary>Samples of a device, or of every device bound to a user while it was bound; device by device, each in time order.</summary>
    /// <exception cref="ApiException">The request names nothing, or something unknown.</exception>
    public IEnumerable<SampleRow> Read(SamplesRequest request) => All(request, NumberedRows);

    /// <summary>As <see cref="Read"/>, one row a signal and step of <see cref="SamplesRequest.StepMs"/>.</summary>
    /// <exception cref="ApiException">As <see cref="Read"/>; or the step is not 1 ms to <see cref="MostStepMs"/>.</exception>
    public IEnumerable<SampleStep> ReadSteps(SamplesRequest request) => All(request, StepsOf(request));

    /// <summary>One page of <see cref="Read"/>.</summary>
    /// <exception cref="ApiException">As <see cref="Read"/>; or limit or page are none.</exception>
    public SamplePage<SampleRow> ReadPage(SamplesRequest request) => Page(request, NumberedRows, row => row.UnixMs);

    /// <summary>One page of <see cref="ReadSteps"/>.</summary>
    /// <exception cref="ApiException">As <see cref="ReadSteps"/>; or limit or page are none.</exception>
    public SamplePage<SampleStep> ReadStepsPage(SamplesRequest request) => Page(request, StepsOf(request), step => step.UnixMs);

    /// <summary>How many values of each signal are stored, and whether any batch is stored twice. Counts the log itself, not an index of it.</summary>
    /// <exception cref="ApiException">As <see cref="Read"/>; a request without user and device counts everything.</exception>
    public SampleCountList Count(SamplesRequest request)
    {
        HashSet<uint>? wanted = request.User.Length == 0 && request.Device.Length == 0 ? null : [.. RangesOf(request).Select(range => range.DeviceKey)];
        Dictionary<(uint DeviceKey, SignalDefinition Signal), (ulong Samples, ulong Duplicated)> counts = [];
        HashSet<(uint DeviceKey, uint Epoch, ulong Seq)> seen = [];
        SampleCountList answer = new();
        BatchDecoder decoder = new();
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind != LogRecordKind.Batch || wanted?.Contains(record.DeviceKey) == false) continue;
            if (decoder.Open(record.Payload.Span, out RefusalReason _) != DecodeStatus.Done) continue;
            if (registry.FindProfile(record.DeviceKey, decoder.Header.ProfileHash) is not { } profile) continue;
            answer.Batches++;
            bool isSecond = !seen.Add((record.DeviceKey, decoder.Header.Epoch, decoder.Header.Seq));
            foreach (BlockDecoder block in decoder.Blocks(record.Payload.Span))
            {
                for (int column = 0; column < block.ColumnCount; column++)
                {
                    if (profile.Find(block.SignalId(column)) is not { } signal || (request.Signal.Length > 0 && signal.Key != request.Signal)) continue;
                    (ulong samples, ulong duplicated) = counts.GetValueOrDefault((record.DeviceKey, signal));
                    counts[(record.DeviceKey, signal)] = (samples + (ulong)block.RowCount, duplicated + (isSecond ? (ulong)block.RowCount : 0));
                }
            }
        }

        foreach (((uint deviceKey, SignalDefinition signal), (ulong samples, ulong duplicated)) in counts.OrderBy(entry => entry.Key.DeviceKey).ThenBy(entry => entry.Key.Signal.Id))
        {
            DeviceDescription device = registry.FindDevice(deviceKey)!;
            answer.Counts.Add(new SampleCount { Brand = device.Brand, Device = device.Device, Signal = signal.Key, Samples = samples, Duplicated = duplicated });
        }

        return answer;
    }

    private IEnumerable<SampleRow> Rows(SampleRange range, long logEnd) => new SampleReader(log, registry, logEnd).Read(range);

    // A page begins with all rows of its first time, so they count alike in pages and in a whole answer.
    private IEnumerable<SampleRow> NumberedRows(SampleRange range, long logEnd)
    {
        SampleRow last = default;
        foreach (SampleRow row in Rows(range, logEnd))
        {
            last = row.UnixMs == last.UnixMs && row.Signal == last.Signal ? row with { Repetition = last.Repetition + 1 } : row;
            yield return last;
        }
    }

    private Func<SampleRange, long, IEnumerable<SampleStep>> StepsOf(SamplesRequest request)
    {
        if (request.StepMs is < 1 or > MostStepMs) throw new ApiException(ApiFault.Invalid, $"step_ms is {request.StepMs}; 1 to {MostStepMs} (366 days) is expected, or 0 for every sample.");
        return (range, logEnd) => SampleSteps.Of(Rows(range, logEnd), request.StepMs);
    }

    private IEnumerable<T> All<T>(SamplesRequest request, Func<SampleRange, long, IEnumerable<T>> read)
    {
        long logEnd = log.DurablePosition;
        return RangesOf(request).SelectMany(range => read(range, logEnd));
    }

    private SamplePage<T> Page<T>(SamplesRequest request, Func<SampleRange, long, IEnumerable<T>> read, Func<T, long> timeOf)
    {
        if (request.Limit is 0 or > MaxPageRows) throw new ApiException(ApiFault.Invalid, $"limit is {request.Limit}; 1 to {MaxPageRows} is expected with a page.");
        SamplePlace place = request.Page.Length == 0 ? SamplePlace.Before(log.DurablePosition) : SamplePlace.Parse(request.Page);
        List<T> rows = [];
        foreach (SampleRange range in RangesOf(request).Where(range => !place.IsBehind(range)))
        {
            // The time of the last row is read again, and of its rows those that were given are passed over.
            bool goesOn = place.IsIn(range);
            SampleRange rest = goesOn ? range with { FromUnixMs = Math.Max(range.FromUnixMs, place.UnixMs) } : range;
            foreach (T row in read(rest, place.LogEnd).Skip(goesOn ? place.Given : 0))
            {
                if (rows.Count == request.Limit) return new SamplePage<T>(rows, place.Text);
                rows.Add(row);
                place = new SamplePlace(place.LogEnd, range.DeviceKey, range.FromUnixMs, timeOf(row), place.IsIn(range) && place.UnixMs == timeOf(row) ? place.Given + 1 : 1);
            }
        }

        return new SamplePage<T>(rows, "");
    }

    // In the order of device keys, then time: that of pages.
    private List<SampleRange> RangesOf(SamplesRequest request)
    {
        long from = request.FromUnixMs == 0 ? long.MinValue : request.FromUnixMs;
        long to = request.ToUnixMs == 0 ? long.MaxValue : request.ToUnixMs;
        if (from >= to) throw new ApiException(ApiFault.Invalid, $"The range is empty: from {from} is not before to {to} (unix ms).");
        if (request.Device.Length > 0)
        {
            if (request.User.Length > 0) throw new ApiException(ApiFault.Invalid, "The request names a device and a user; give one of them.");
            DeviceRecord device = registry.FindDevice(request.Brand, request.Device)
                ?? throw new ApiException(ApiFault.NotFound, $"Device '{request.Brand}/{request.Device}' is not registered; `telemetry device list` shows those that are.");
            return WithSignal([new SampleRange(device.DeviceKey, from, to, request.Signal)]);
        }

        if (request.User.Length == 0) throw new ApiException(ApiFault.Invalid, "The request names neither a device nor a user; give one of them.");
        UserRecord user = registry.FindUser(UserKey.Parse(request.User))
            ?? throw new ApiException(ApiFault.NotFound, "The user is not registered; `telemetry user list` shows those who are.");
        return WithSignal([.. UserBatches.TenuresOf(user).Select(tenure => new SampleRange(tenure.DeviceKey, Math.Max(from, tenure.FromUnixMs), Math.Min(to, tenure.ToUnixMs), request.Signal))
            .Where(range => range.FromUnixMs < range.ToUnixMs)]);
    }

    // A signal that none of the devices' models has is a slip of the pen, not a signal without samples.
    private List<SampleRange> WithSignal(List<SampleRange> ranges)
    {
        if (ranges.Count == 0 || ranges[0].SignalKey is not { Length: > 0 } wanted) return ranges;
        SortedSet<string> known = new(StringComparer.Ordinal);
        foreach (DeviceDescription device in ranges.Select(range => registry.FindDevice(range.DeviceKey)).OfType<DeviceDescription>().Distinct())
            known.UnionWith(registry.Models(device.Brand).Where(model => model.Profile.Model == device.Model).SelectMany(model => model.Profile.Signals).Select(signal => signal.Key));
        return known.Contains(wanted) ? ranges : throw new ApiException(ApiFault.NotFound, $"Signal '{wanted}' is none of what was asked about; there are: {string.Join(", ", known)}.");
    }
}
