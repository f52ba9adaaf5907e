using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Model;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// The way behind the ack from the log to segments: reads records from the insights store's cursor, places their samples in time, folds them into the
/// minutes of the user who wears the device and consents, and derives again the segments of the days they touch. A day that many batches touch is derived
/// once they have come, not once a batch. Minutes, segments, what waits and the cursor change in one transaction, so a crash at any instant loses nothing
/// and counts nothing twice.
/// </summary>
/// <remarks>One thread at a time. Never in the way of ingest: it only reads durable records.</remarks>
public sealed class ScenarioConsumer : IDisposable
{
    private readonly BlockLog _log;
    private readonly InsightsStore _store;
    private readonly DerivationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DerivationStep _step;
    private readonly IConsentingUsers _users;
    private readonly Channel<bool> _answered = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private LogReader _reader;
    private long _namedUpTo;
    private bool _isBehind;

    /// <summary>Makes a consumer; <see cref="RunAsync"/> or <see cref="Step"/> makes it work.</summary>
    /// <param name="log">Where batches are.</param>
    /// <param name="catalog">Names of devices and profiles.</param>
    /// <param name="users">Who wears a device and consents.</param>
    /// <param name="store">Where minutes and segments go.</param>
    /// <param name="model">Null = <see cref="ModelFile.Default"/>. Another one than named the store's segments: all of them are named again, beside the log's work.</param>
    /// <param name="options">Null = defaults.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="logger">Events 1600-1699; null = nowhere.</param>
    public ScenarioConsumer(
        BlockLog log, IDeviceCatalog catalog, IConsentingUsers users, InsightsStore store, ScenarioModel? model = null,
        DerivationOptions? options = null, TimeProvider? time = null, ILogger<ScenarioConsumer>? logger = null)
    {
        (_log, _store, _options, _time, _logger) = (log, store, options ?? new DerivationOptions(), time ?? TimeProvider.System, logger ?? NullLogger<ScenarioConsumer>.Instance);
        _options.Validate();
        _users = users;
        _users.Answered += Wake;
        _reader = log.OpenReader(store.Cursor);
        BoundModel bound = new(model ?? ModelFile.Default, FeatureCatalog.Names);
        Metrics = new DerivationMetrics(() => _log.BytesBehind(Position), () => _step?.Waiting ?? 0);
        _step = new DerivationStep(log, catalog, users, bound, _options, Metrics);
        using InsightsTransaction begun = store.Begin();
        _namedUpTo = Mark.Named.Read(begun) ?? store.Cursor;
        if (ModelSwitch.NoteIfOther(bound.Model, users, begun) is not { } noted) return;
        begun.Commit(store.Cursor);
        if (noted == 0) return;
        _namedUpTo = 0;
        DerivationEvents.ModelSwitched(_logger, bound.Model.Version, noted);
    }

    /// <summary>What was counted since the start.</summary>
    public DerivationMetrics Metrics { get; }

    /// <summary>Log position up to which everything is in minutes and segments.</summary>
    public long Position => Volatile.Read(ref _namedUpTo);

    /// <summary>Why the last step failed, for readiness; null while steps succeed. It is tried again by itself.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Derives until cancelled or the log closes. Faults of the store or the disk are logged and tried again after a pause.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            bool worked;
            try
            {
                worked = Step();
                Trouble = null;
                if (!worked && !await WaitForMoreAsync(cancellation).ConfigureAwait(false)) return;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is IOException or Microsoft.Data.Sqlite.SqliteException)
            {
                if (Trouble is null) DerivationEvents.StepFailed(_logger, fault.Message);
                Trouble = fault.Message;
                (worked, _isBehind) = (true, false);
            }

            if (worked && !_isBehind) await PauseAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Derives the next records, at most one step of them; without any, says the segments that wait.</summary>
    /// <returns>False when nothing was left to do.</returns>
    /// <exception cref="IOException">The log's disk refuses to read. The step is undone; call again.</exception>
    public bool Step()
    {
        if (_reader.Position >= _log.DurablePosition && !_step.HasUnnamed) return false;
        using InsightsTransaction store = _store.Begin();
        try
        {
            long from = _reader.Position;
            _step.Begin(from, store);
            int records = 0, bytes = 0;
            while (records < _options.StepRecords && bytes < _options.StepBytes && _reader.TryRead(out LogRecord record))
            {
                records++;
                bytes += record.Payload.Length;
                _step.Take(record, store);
            }

            bool isIdle = records == 0, hasWork = !isIdle || _step.HasUnnamed;
            long to = Math.Max(_reader.Position, _store.Cursor);
            if (!hasWork && to == _store.Cursor) return false;
            _step.Save(from, to, store);
            bool mayBeMoreDue = _step.Name(to, isIdle, store);
            long namedUpTo = _step.NamedUpTo(to);
            Mark.Named.Write(store, namedUpTo);
            store.Commit(to);
            Volatile.Write(ref _namedUpTo, namedUpTo);
            _isBehind = mayBeMoreDue || records == _options.StepRecords || bytes >= _options.StepBytes;
            return hasWork;
        }
        catch
        {
            // What is at hand may be half changed: forget it and read again from the last commit.
            _step.Forget();
            _reader.Dispose();
            _reader = _log.OpenReader(_store.Cursor);
            throw;
        }
    }

    public void Dispose()
    {
        _users.Answered -= Wake;
        _reader.Dispose();
        Metrics.Dispose();
    }

    private void Wake() => _answered.Writer.TryWrite(true);

    // Until the log goes on or somebody answers; false when the log closes.
    private async Task<bool> WaitForMoreAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<bool> more = _reader.WaitForMoreAsync(waiting.Token).AsTask();
        Task<bool> answered = _answered.Reader.WaitToReadAsync(waiting.Token).AsTask();
        bool isAnswer = await Task.WhenAny(more, answered).ConfigureAwait(false) == answered;
        await waiting.CancelAsync().ConfigureAwait(false);
        await ((Task)answered).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!isAnswer) return await more.ConfigureAwait(false);
        await ((Task)more).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        return _answered.Reader.TryRead(out _);
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(_options.Pause, _time, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            DerivationEvents.Stopping(_logger);
        }
    }
}

internal static partial class DerivationEvents
{
    [LoggerMessage(1600, LogLevel.Error, "A derivation step failed and is tried again from the last commit until it succeeds; ingest goes on. {Fault}")]
    public static partial void StepFailed(ILogger logger, string fault);

    [LoggerMessage(1601, LogLevel.Debug, "The derivation stops.")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(1602, LogLevel.Information, "Model {Version} takes over; all days of {Users} users are named again. Until then the consumer's position is 0.")]
    public static partial void ModelSwitched(ILogger logger, string version, int users);
}
