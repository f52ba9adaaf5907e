using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Telemetry.Influx;
using Telemetry.Ingest;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Rights;

/// <summary>
/// Erasure (promise 8): a job of steps, each of which changes nothing when it is done again, kept in a file until the last one is through. So a crash, a full disk or an
/// InfluxDB that is away delays it and never leaves it half done.
/// </summary>
/// <remarks>
/// 1. note whom, which devices when, which epochs; 2. registry: the user goes, the epochs are fenced; 3. derived minutes and segments go; 4. what was admitted before the
/// fence is on the disk: the log's records go; 5. InfluxDB's series go, once the sink is past them; 6. the receipt stays without the key.
/// </remarks>
internal sealed class Erasures(
    string folder, BlockLog log, DeviceRegistry registry, IngestService ingest, InsightsStore store, InfluxErasure? influx, TimeProvider time, ILogger<Erasures> logger) : IDisposable
{
    private static readonly TimeSpan s_retryPause = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly SemaphoreSlim _left = new(0);

    /// <summary>Erases a user, or goes on with an erasure that is not done.</summary>
    /// <returns>The receipt; what is left is done by <see cref="RunAsync"/>.</returns>
    /// <exception cref="RegistryException">NotFound: no such user, and no erasure of one.</exception>
    public async ValueTask<ErasureReceipt> EraseAsync(EraseRequest request, CancellationToken cancellation)
    {
        UserKey user = UserKey.Parse(request.User);
        await _one.WaitAsync(cancellation);
        try
        {
            ErasureJob job = Find(user) is { } known && (known.DoneUnixMs == 0 || registry.FindUser(user) is null) ? known : Begin(user);
            (job, string left) = job.DoneUnixMs > 0 ? (job, "") : await AdvanceAsync(job, cancellation);
            if (job.DoneUnixMs == 0) _left.Release();
            return Receipt(job, left);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Goes on with every erasure that is not done, at start and while something keeps one from ending.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            bool isLeft = false;
            await _one.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                foreach (ErasureJob job in Jobs().Where(job => job.DoneUnixMs == 0)) isLeft |= (await AdvanceAsync(job, cancellation)).Job.DoneUnixMs == 0;
            }
            finally
            {
                _one.Release();
            }

            if (isLeft) await Task.Delay(s_retryPause, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else await _left.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        _one.Dispose();
        _left.Dispose();
    }

    private ErasureJob Begin(UserKey user)
    {
        UserRecord record = registry.FindUser(user) ?? throw new RegistryException(RegistryError.NotFound, "There is no such user, and no erasure of one.");
        IReadOnlyList<Tenure> tenures = UserBatches.TenuresOf(record);
        HashSet<FencedEpoch> epochs = [.. new UserBatches(log).Read(tenures).Where(found => found.Header.Epoch != 0).Select(found => new FencedEpoch(found.Record.DeviceKey, found.Header.Epoch))];
        foreach (Tenure open in tenures.Where(tenure => tenure.ToUnixMs == DeviceBinding.Open))
        {
            if (ingest.FindCurrentEpoch(open.DeviceKey) is { } epoch) epochs.Add(new FencedEpoch(open.DeviceKey, epoch));
        }

        string hash = HashOf(user);
        ErasureJob job = new()
        {
            Id = hash[..16], UserSha256 = hash, User = user.Text, Tenures = tenures, NeedsInflux = influx is not null, Epochs = [.. epochs], AskedUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        Save(job);
        return job;
    }

    // Does what is left, as far as it goes.
    private async Task<(ErasureJob Job, string Left)> AdvanceAsync(ErasureJob job, CancellationToken cancellation)
    {
        try
        {
            UserKey user = UserKey.Parse(job.User!);
            job = EraseFromRegistry(job, user);
            InsightsErasure derived = store.EraseUser(user);
            job = Save(job with { Segments = job.Segments + derived.Segments, Minutes = job.Minutes + derived.Minutes, InsightsRevision = job.InsightsRevision == 0 ? store.Revision : job.InsightsRevision });
            job = await EraseFromLogAsync(job, cancellation);
            if (job.NeedsInflux)
            {
                if (influx is null) return (job, "series of the user stand in an InfluxDB that this collector was started without; start it with --influx again");
                if (influx.SinkPosition < job.LogEnd) return (job, "the InfluxDB sink is behind; the series go when it has caught up");
                if (influx.SegmentRevision < job.InsightsRevision) return (job, "segments are being written to InfluxDB; the user's go when that is past the erasure");
                await influx.EraseAsync(user.Text, job.Tenures, cancellation);
            }

            job = Save(job with { User = null, Tenures = [], DoneUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds() });
            ErasureEvents.Done(logger, job.Id, job.Batches, job.Segments);
            return (job, "");
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException or Microsoft.Data.Sqlite.SqliteException)
        {
            ErasureEvents.Delayed(logger, job.Id, fault.Message);
            return (job, fault.Message);
        }
    }

    private ErasureJob EraseFromRegistry(ErasureJob job, UserKey user)
    {
        if (job.IsUnregistered) return job;
        if (registry.FindUser(user) is null) return Save(job with { IsUnregistered = true }); // a crash came between
        RegistryErasure erased = registry.EraseUser(user, [.. job.Epochs.Select(epoch => new DeviceEpoch(epoch.DeviceKey, epoch.Epoch))]);
        return Save(job with { IsUnregistered = true, Bindings = erased.Bindings, Consents = erased.Consents, Answers = erased.Answers });
    }

    private async Task<ErasureJob> EraseFromLogAsync(ErasureJob job, CancellationToken cancellation)
    {
        // Asking ingest for a device passes its lock: whatever was admitted before the fence has its place in the log by now.
        foreach (Tenure tenure in job.Tenures) ingest.FindCurrentEpoch(tenure.DeviceKey);
        long end = log.NextPosition;
        if (end > log.DurablePosition && !await log.WaitDurableAsync(end - 1, cancellation)) throw new IOException("The log closes.");

        Dictionary<uint, HashSet<long>> places = [];
        long shared = 0;
        foreach (UserBatch found in new UserBatches(log).Read(job.Tenures))
        {
            if (!places.TryGetValue(found.Record.DeviceKey, out HashSet<long>? positions)) places[found.Record.DeviceKey] = positions = [];
            positions.Add(found.Record.Position);
            if (found.IsShared && found.Record.Kind == LogRecordKind.Batch) shared++;
        }

        if (places.Count == 0) return Save(job with { LogEnd = Math.Max(job.LogEnd, end) });
        LogErasure erased = await log.EraseAsync(places.Keys, record => places[record.DeviceKey].Contains(record.Position), cancellation);
        ingest.ForgetDeadLetters(places.Values.SelectMany(positions => positions));
        return Save(job with
        {
            LogEnd = Math.Max(job.LogEnd, end), Batches = job.Batches + erased.Batches, SharedBatches = job.SharedBatches + shared, DeadLetters = job.DeadLetters + erased.DeadLetters,
        });
    }

    private ErasureJob? Find(UserKey user) => File.Exists(FileOf(HashOf(user)[..16])) ? ErasureJob.Read(FileOf(HashOf(user)[..16])) : null;

    private IEnumerable<ErasureJob> Jobs() => Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.json").Select(ErasureJob.Read).ToList() : [];

    private ErasureJob Save(ErasureJob job)
    {
        job.Write(FileOf(job.Id));
        return job;
    }

    private string FileOf(string id) => Path.Combine(folder, id + ".json");

    private static string HashOf(UserKey user) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user.Text)));

    private static ErasureReceipt Receipt(ErasureJob job, string left) => new()
    {
        Id = job.Id,
        UserSha256 = ByteString.CopyFrom(Convert.FromHexString(job.UserSha256)),
        AskedUnixMs = job.AskedUnixMs,
        DoneUnixMs = job.DoneUnixMs,
        Left = left,
        Devices = (uint)job.Epochs.Select(epoch => epoch.DeviceKey).Distinct().Count(),
        FencedEpochs = (uint)job.Epochs.Count,
        Bindings = (uint)job.Bindings,
        Consents = (uint)job.Consents,
        Answers = (uint)job.Answers,
        Batches = (ulong)job.Batches,
        SharedBatches = (ulong)job.SharedBatches,
        DeadLetters = (ulong)job.DeadLetters,
        Segments = (ulong)job.Segments,
        Minutes = (ulong)job.Minutes,
        Influx = job.NeedsInflux,
    };
}

/// <summary>Erasure at an InfluxDB-compatible server.</summary>
/// <param name="derived">What erases there.</param>
/// <param name="registry">Names of devices.</param>
/// <param name="sinkPosition">Up to where the log is in the server.</param>
/// <param name="segmentRevision">Up to which revision of the insights store segments are; behind it none of them is on its way any more.</param>
internal sealed class InfluxErasure(InfluxDerived derived, DeviceRegistry registry, Func<long> sinkPosition, Func<long> segmentRevision)
{
    public long SinkPosition => sinkPosition();

    public long SegmentRevision => segmentRevision();

    /// <exception cref="HttpRequestException">The server did not erase; call again.</exception>
    public async Task EraseAsync(string user, IReadOnlyList<Tenure> tenures, CancellationToken cancellation)
    {
        foreach (Tenure tenure in tenures)
        {
            if (registry.FindDevice(tenure.DeviceKey) is not DeviceDescription device) continue;
            await derived.EraseDeviceAsync(device, tenure.FromUnixMs, tenure.ToUnixMs, cancellation);
        }

        await derived.EraseUserAsync(user, cancellation);
    }
}

internal static partial class ErasureEvents
{
    [LoggerMessage(1850, LogLevel.Information, "Erasure {Id} is done: {Batches} batches and {Segments} segments are gone.")]
    public static partial void Done(ILogger logger, string id, long batches, int segments);

    [LoggerMessage(1851, LogLevel.Warning, "Erasure {Id} cannot end yet and goes on by itself. {Fault}")]
    public static partial void Delayed(ILogger logger, string id, string fault);
}
