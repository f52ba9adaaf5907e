using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;

namespace Telemetry.Log;

/// <summary>What an erasure did to the log.</summary>
/// <param name="Segments">Segment files that were written anew.</param>
/// <param name="Batches">Batches that are gone.</param>
/// <param name="DeadLetters">Dead letters that are gone.</param>
/// <param name="Bytes">Bytes of their records.</param>
/// <param name="Unreadable">Segment files that cannot be searched because both headers are damaged; what they hold is not known.</param>
public sealed record LogErasure(int Segments, long Batches, long DeadLetters, long Bytes, IReadOnlyList<string> Unreadable)
{
    internal LogErasure Plus(DropLedger dropped) =>
        new(Segments + 1, Batches + dropped.Batches, DeadLetters + dropped.DeadLetters, Bytes + dropped.Bytes, Unreadable);
}

/// <content>Segments written anew: sealed ones only, one at a time, never in the way of appends, flushes or readers.</content>
public sealed partial class BlockLog
{
    // Guards the list, not its segments: the writer adds at the end, a rewriting exchanges in the middle.
    private readonly Lock _segmentsLock = new();
    private readonly SemaphoreSlim _rewriting = new(1, 1);
    private readonly HashSet<uint> _oddDevices = []; // of the rewriting under way
    private bool _beginsSegment;
    private long _begunAt = -1; // of a SegmentBegun record that began its segment: with nothing behind it there is nothing to end

    /// <summary>Retention writes a segment anew for a tenth of a device's time, or for a day if that is less.</summary>
    private const int RetentionSteps = 10;
    private static readonly TimeSpan MaxRetentionStep = TimeSpan.FromDays(1);

    /// <summary>Removes records for good: every segment that holds one is written anew without it. Where a batch was, its (epoch, seq) is still known as having come.</summary>
    /// <param name="deviceKeys">Whose records are looked at.</param>
    /// <param name="selects">Says of a batch or dead letter of these devices whether it goes; see <see cref="LogSelection.Selects"/>. Runs on this call's thread.</param>
    /// <param name="cancellation">Ends it between two segments; what is gone is gone, call again for the rest.</param>
    /// <returns>What was removed, once no crash and no reader can bring it back.</returns>
    /// <exception cref="IOException">The disk refuses. Some segments may be done; call again for the rest.</exception>
    /// <remarks>Covers what was appended before the call. Fence the epochs first, so that nothing more comes. A reader that stands in a
    /// segment goes on in the new file.</remarks>
    public async Task<LogErasure> EraseAsync(IReadOnlyCollection<uint> deviceKeys, Func<LogRecord, bool> selects, CancellationToken cancellation = default)
    {
        HashSet<uint> devices = [.. deviceKeys];
        await _rewriting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            RemoveLeftovers(); // of what is erased no copy may stay
            long end = await SealAsync(cancellation: cancellation).ConfigureAwait(false);
            LogErasure sum = new(0, 0, 0, 0, Recovery.UnreadableSegments);
            foreach (LogSegment segment in _segments)
            {
                cancellation.ThrowIfCancellationRequested();
                if (segment.Header.EndPosition > end || !IndexOf(segment).Devices().Any(devices.Contains)) continue;
                RewrittenSegment done = SegmentRewriter.Rewrite(_disk, segment, record => devices.Contains(record.DeviceKey) && selects(record), compacts: false, _oddDevices);
                if (done.Segment is null) continue;
                Exchange([segment], done.Segment);
                sum = sum.Plus(done.Dropped);
            }

            LogEvents.Erased(_logger, sum.Batches, sum.DeadLetters, sum.Segments);
            return sum;
        }
        finally
        {
            _rewriting.Release();
        }
    }

    /// <summary>Retention: removes the records of devices that were received before the devices' records are kept from. Of a segment that still holds what is kept it takes
    /// a tenth of a device's time at once, a day at most; so long a record stays on. Seqs of what goes stay known as with <see cref="EraseAsync"/>.</summary>
    /// <param name="keptSince">Of a device, the time of receipt from which on its records are kept; null = all are.</param>
    /// <param name="cancellation">Ends it between two segments.</param>
    /// <exception cref="IOException">The disk refuses. Some segments may be done; call again for the rest.</exception>
    public async Task<LogErasure> ExpireAsync(Func<uint, DateTimeOffset?> keptSince, CancellationToken cancellation = default)
    {
        await _rewriting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            RemoveLeftovers();
            if (_segments is [.., LogSegment last] && FindDue(last, DateTimeOffset.MaxValue, keptSince).Count > 0) await SealAsync(cancellation: cancellation).ConfigureAwait(false);
            await _indexKeeping.ConfigureAwait(false);
            LogErasure sum = new(0, 0, 0, 0, Recovery.UnreadableSegments);
            LogSegment[] segments = _segments;
            for (int i = 0; i + 1 < segments.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                LogSegment segment = segments[i];
                DateTimeOffset full = FullSince(segments, i);
                Dictionary<uint, DateTimeOffset> due = FindDue(segment, full, keptSince);
                if (due.Count == 0) continue;
                RewrittenSegment done = SegmentRewriter.Rewrite(
                    _disk, segment, record => due.TryGetValue(record.DeviceKey, out DateTimeOffset kept) && (kept > full || record.ReceivedUnixMs < kept.ToUnixTimeMilliseconds()), compacts: false, _oddDevices);
                (done.Segment ?? segment).NoteExpired(segment, due);
                if (done.Segment is null) continue;
                Exchange([segment], done.Segment);
                sum = sum.Plus(done.Dropped);
            }

            if (sum.Segments > 0) LogEvents.Expired(_logger, sum.Batches, sum.DeadLetters, sum.Segments);
            return sum;
        }
        finally
        {
            _rewriting.Release();
        }
    }

    /// <summary>Ends the last segment early, so that everything appended so far stands in segments that nobody writes to.</summary>
    /// <param name="begunBefore">Only if the segment was begun before; null = in any case.</param>
    /// <param name="cancellation">Ends the wait for the flush.</param>
    /// <returns>Where the segments end that nobody writes to.</returns>
    /// <exception cref="ObjectDisposedException">The log closed meanwhile.</exception>
    public async ValueTask<long> SealAsync(DateTimeOffset? begunBefore = null, CancellationToken cancellation = default)
    {
        long position;
        bool isFresh;
        lock (_appendLock)
        {
            if (_nextPosition == _appendSegment.FirstRecordPosition || _appendSegment.CreatedUnixMs >= begunBefore?.ToUnixTimeMilliseconds()) return _appendSegment.BasePosition;
            position = _begunAt;
            isFresh = _nextPosition == _begunAt + RecordFormat.SizeOf(0);
            _beginsSegment = !isFresh;
        }

        while (!isFresh && !TryAppend(LogRecordKind.SegmentBegun, 0, 0, _time.GetUtcNow().ToUnixTimeMilliseconds(), [], out position))
        {
            // The buffer is full: behind the flush under way there is room.
            if (!await FlushedAsync(NextPosition - 1, cancellation).ConfigureAwait(false)) throw new ObjectDisposedException(nameof(BlockLog));
        }

        lock (_appendLock)
        {
            // Another record may have begun the segment, ahead of the note: then it is not empty.
            if (position == _appendSegment.FirstRecordPosition) _begunAt = position;
        }

        if (!await FlushedAsync(position, cancellation).ConfigureAwait(false)) throw new ObjectDisposedException(nameof(BlockLog));
        await _indexKeeping.ConfigureAwait(false);
        return Array.FindLast(_segments, segment => segment.Header.BasePosition <= position)!.Header.BasePosition;
    }

    private ValueTask<bool> FlushedAsync(long position, CancellationToken cancellation)
    {
        if (_writer is null) FlushPending();
        return WaitDurableAsync(position, cancellation);
    }

    // A segment is full when the next one begins.
    private static DateTimeOffset FullSince(LogSegment[] segments, int index) => DateTimeOffset.FromUnixTimeMilliseconds(segments[index + 1].Header.CreatedUnixMs);

    private SegmentIndex IndexOf(LogSegment segment)
    {
        using ILogFile file = _disk.Open(segment.Header.FileName, forWriting: false);
        return segment.Index ?? SegmentIndex.LoadOrBuild(_disk, file, segment.Header);
    }

    private Dictionary<uint, DateTimeOffset> FindDue(LogSegment segment, DateTimeOffset full, Func<uint, DateTimeOffset?> keptSince)
    {
        Dictionary<uint, DateTimeOffset> due = [];
        DateTimeOffset now = _time.GetUtcNow();
        foreach (uint device in IndexOf(segment).Devices())
        {
            if (keptSince(device) is not { } kept) continue;
            TimeSpan step = TimeSpan.FromTicks(Math.Min(MaxRetentionStep.Ticks, (now - kept).Ticks / RetentionSteps));
            if (segment.IsDue(device, kept, full, step)) due.Add(device, kept);
        }

        return due;
    }

    private void Exchange(ReadOnlySpan<LogSegment> old, LogSegment rewritten)
    {
        rewritten.RecordsEnd = old[^1].RecordsEnd;
        lock (_segmentsLock)
        {
            int at = Array.IndexOf(_segments, old[0]);
            _segments = [.. _segments.AsSpan(0, at), rewritten, .. _segments.AsSpan(at + old.Length)];
        }

        // No table of an old file comes behind this one.
        lock (_tablesLock)
        {
            foreach (LogSegment segment in old) segment.IsReplaced = true;
            KeepIndex(rewritten);
        }
    }
}
