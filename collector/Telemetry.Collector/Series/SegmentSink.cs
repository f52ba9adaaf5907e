using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Telemetry.Influx;
using Telemetry.Insights;
using Telemetry.Insights.Store;
using Telemetry.Log.Disk;

namespace Telemetry.Collector.Series;

/// <summary>
/// Keeps the segments in InfluxDB equal to the insights store's: follows its revisions and writes anew the stretch of each user that changed. Behind the store, never in
/// the way of derivation. The place moves after the server has taken everything up to it, so a crash or an outage only writes the same stretches again.
/// </summary>
/// <remarks>One loop. The longer it is held up, the more revisions one pass takes together.</remarks>
internal sealed class SegmentSink
{
    /// <summary>Between two passes; segments at the edge of now change with every batch, and are written once in that time.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private const long MinuteMs = 60_000;

    // 2262-04-11: the last minute that fits 63 bits of nanoseconds.
    private const int LastMinute = (int)(long.MaxValue / 1_000_000 / MinuteMs);

    private readonly InsightsStore _store;
    private readonly InsightsService _insights;
    private readonly InfluxDerived _derived;
    private readonly Func<long> _derivedUpTo;
    private readonly Func<string> _serverProcess;
    private readonly string _placeFile;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private bool _isDelayed, _isUnsuited;
    private long _revision, _position;
    private string _process = "";

    /// <param name="store">Whose revisions to follow.</param>
    /// <param name="insights">Names what stands in it.</param>
    /// <param name="derived">Where segments go; nobody else calls it.</param>
    /// <param name="folder">Of the file that keeps the place.</param>
    /// <param name="derivedUpTo">Log position up to which everything is in the store.</param>
    /// <param name="serverProcess">The InfluxDB 1 process that answers (<see cref="InfluxSink.ServerProcess"/>): another one may have lost what the one before took, so it gets everything.</param>
    /// <param name="time">For the pauses.</param>
    /// <param name="logger">Events 1840-1849.</param>
    public SegmentSink(
        InsightsStore store, InsightsService insights, InfluxDerived derived, string folder, Func<long> derivedUpTo, Func<string> serverProcess, TimeProvider time, ILogger<SegmentSink> logger)
    {
        (_store, _insights, _derived, _derivedUpTo, _serverProcess, _time, _logger) = (store, insights, derived, derivedUpTo, serverProcess, time, logger);
        _placeFile = Path.Combine(folder, "segments.place");
        if (!File.Exists(_placeFile)) return;
        string[] place = File.ReadAllText(_placeFile).Split(' ', 2); // "revision process"
        // A place ahead of the store is of another life of it (made anew, or a power cut took its last commits back): everything goes again.
        if (!long.TryParse(place[0], CultureInfo.InvariantCulture, out long kept) || kept > store.Revision) return;
        (_revision, _process) = (kept, place.Length > 1 ? place[1] : "");
    }

    /// <summary>Revision of the store up to which the server has everything.</summary>
    public long Revision => Volatile.Read(ref _revision);

    /// <summary>Log position up to which everything that was derived is in the server; 0 before the first pass.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Writes until cancelled. What the server or a disk refuses is tried again at the next pass.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await PassAsync(cancellation).ConfigureAwait(false);
                _isDelayed = false;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or SqliteException)
            {
                if (!_isDelayed) SegmentSinkEvents.Delayed(_logger, fault.Message);
                _isDelayed = true;
            }

            await Task.Delay(Pause, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One pass: everything that changed behind <see cref="Revision"/>.</summary>
    /// <exception cref="HttpRequestException">The server does not answer; the place stands, call again.</exception>
    public async Task PassAsync(CancellationToken cancellation)
    {
        string process = _serverProcess();
        long position = _derivedUpTo(), revision = _store.Revision, since = process == _process ? Revision : 0; // read before the rows: what comes meanwhile comes again
        if (revision > since && await IsSuitedAsync(cancellation).ConfigureAwait(false))
        {
            foreach (ChangedSegments changed in _store.ChangesSince(since))
            {
                (int from, int to) = since == 0 ? (0, LastMinute) : (changed.FromMinute, changed.ToMinute);
                await _derived.ReplaceSegmentsAsync(changed.User.Text, from * MinuteMs, to * MinuteMs, _insights.SegmentsOf(changed.User, from, to), cancellation).ConfigureAwait(false);
            }

            SavePlace(revision, process);
        }

        _process = process;

        Volatile.Write(ref _revision, revision);
        Volatile.Write(ref _position, position);
    }

    private async Task<bool> IsSuitedAsync(CancellationToken cancellation)
    {
        bool isSuited = await _derived.KeepsSegmentsAsync(cancellation).ConfigureAwait(false);
        if (!isSuited && !_isUnsuited) SegmentSinkEvents.Unsuited(_logger);
        _isUnsuited = !isSuited;
        return isSuited;
    }

    private void SavePlace(long revision, string process) =>
        WholeFile.Replace(_placeFile, file => file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{revision} {process}"))));
}

internal static partial class SegmentSinkEvents
{
    [LoggerMessage(1840, LogLevel.Warning, "Segments cannot be written to InfluxDB now and are tried again until they are; nothing else waits for them. {Fault}")]
    public static partial void Delayed(ILogger logger, string fault);

    [LoggerMessage(1841, LogLevel.Error, "The server is VictoriaMetrics, which keeps no texts and removes whole series only: segments are not written. Samples are.")]
    public static partial void Unsuited(ILogger logger);
}
