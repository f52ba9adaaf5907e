using Telemetry.Log.Disk;
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

/// <summary>What a compaction did.</summary>
/// <param name="Segments">Segment files that were written anew.</param>
/// <param name="BytesBefore">Their bytes before.</param>
/// <param name="BytesAfter">Their bytes now.</param>
public sealed record LogCompaction(int Segments, long BytesBefore, long BytesAfter);

/// <content>Segments written anew: sealed ones only, one at a time, never in the way of appends, flushes or readers.</content>
public sealed partial class BlockLog
{
    // Guards the list, not its segments: the writer adds at the end, a rewriting exchanges in the middle.
    private readonly Lock _segmentsLock = new();
    private readonly SemaphoreSlim _rewriting = new(1, 1);
    private bool _beginsSegment;

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
            long end = await SealAsync(cancellation).ConfigureAwait(false);
            LogErasure sum = new(0, 0, 0, 0, Recovery.UnreadableSegments);
            foreach (LogSegment segment in _segments)
            {
                cancellation.ThrowIfCancellationRequested();
                if (segment.Header.EndPosition > end || !IndexOf(segment).Devices().Any(devices.Contains)) continue;
                RewrittenSegment done = SegmentRewriter.Rewrite(_disk, segment, record => devices.Contains(record.DeviceKey) && selects(record), compacts: false);
                if (done.Segment is null) continue;
                Exchange(segment, done.Segment);
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

    /// <summary>Retention: removes the records of devices from segments that are older than the devices' records are kept. A segment is as old as its
    /// youngest record, so a record stays up to one segment's filling time longer. Seqs of what goes stay known as with <see cref="EraseAsync"/>.</summary>
    /// <param name="keptSince">Of a device, the time of receipt from which on its records are kept; null = all are.</param>
    /// <param name="cancellation">Ends it between two segments.</param>
    /// <exception cref="IOException">The disk refuses. Some segments may be done; call again for the rest.</exception>
    public async Task<LogErasure> ExpireAsync(Func<uint, DateTimeOffset?> keptSince, CancellationToken cancellation = default)
    {
        await _rewriting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await _indexKeeping.ConfigureAwait(false);
            LogErasure sum = new(0, 0, 0, 0, Recovery.UnreadableSegments);
            LogSegment[] segments = _segments;
            for (int i = 0; i + 1 < segments.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                DateTimeOffset full = FullSince(segments, i);
                HashSet<uint> expired = [.. IndexOf(segments[i]).Devices().Where(device => !segments[i].Expired.Contains(device) && full < keptSince(device))];
                if (expired.Count == 0) continue;
                RewrittenSegment done = SegmentRewriter.Rewrite(_disk, segments[i], record => expired.Contains(record.DeviceKey), compacts: false);
                (done.Segment ?? segments[i]).Expired.UnionWith([.. segments[i].Expired, .. expired]);
                if (done.Segment is null) continue;
                Exchange(segments[i], done.Segment);
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

    /// <summary>Packs old segments: the small blocks of a device become long ones, and a batch's own words a row of a table. Readers notice nothing: every record keeps its
    /// position and its bytes, which is proven by reading the new file back before the old one goes.</summary>
    /// <param name="sealedBefore">Segments that were full by then; later ones stay as they came.</param>
    /// <param name="cancellation">Ends it between two segments.</param>
    /// <exception cref="IOException">The disk refuses. Some segments may be done; call again for the rest.</exception>
    public async Task<LogCompaction> CompactAsync(DateTimeOffset sealedBefore, CancellationToken cancellation = default)
    {
        await _rewriting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await _indexKeeping.ConfigureAwait(false);
            LogCompaction sum = new(0, 0, 0);
            LogSegment[] segments = _segments;
            for (int i = 0; i + 1 < segments.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (FullSince(segments, i) > sealedBefore || segments[i].Header.IsCompacted || segments[i].GainsNothing) continue;
                RewrittenSegment done = TryCompact(segments[i]);
                segments[i].GainsNothing = done.Segment is null;
                if (done.Segment is null) continue;
                Exchange(segments[i], done.Segment);
                sum = new LogCompaction(sum.Segments + 1, sum.BytesBefore + done.BytesBefore, sum.BytesAfter + done.BytesAfter);
            }

            if (sum.Segments > 0) LogEvents.Compacted(_logger, sum.Segments, sum.BytesBefore, sum.BytesAfter);
            return sum;
        }
        finally
        {
            _rewriting.Release();
        }
    }

    private RewrittenSegment TryCompact(LogSegment segment)
    {
        try
        {
            return SegmentRewriter.Rewrite(_disk, segment, drops: null, compacts: true);
        }
        catch (InvalidDataException fault)
        {
            // The proof failed: a defect of the packer. The segment stays as it is, and the others need not wait for the repair.
            LogEvents.CompactionRefused(_logger, segment.Header.BasePosition, fault.Message);
            return default;
        }
    }

    /// <summary>Ends the last segment early, so that everything appended so far stands in segments that nobody writes to.</summary>
    /// <returns>Where they end.</returns>
    /// <exception cref="ObjectDisposedException">The log closed meanwhile.</exception>
    public async ValueTask<long> SealAsync(CancellationToken cancellation = default)
    {
        lock (_appendLock)
        {
            if (_nextPosition == _appendSegment.FirstRecordPosition) return _appendSegment.BasePosition;
            _beginsSegment = true;
        }

        long position;
        while (!TryAppend(LogRecordKind.SegmentBegun, 0, 0, _time.GetUtcNow().ToUnixTimeMilliseconds(), [], out position))
        {
            // The buffer is full: behind the flush under way there is room.
            if (!await FlushedAsync(NextPosition, cancellation).ConfigureAwait(false)) throw new ObjectDisposedException(nameof(BlockLog));
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

    private void Exchange(LogSegment old, LogSegment rewritten)
    {
        KeepIndex(rewritten);
        lock (_segmentsLock) _segments = [.. _segments.Select(segment => ReferenceEquals(segment, old) ? rewritten : segment)];
        old.IsReplaced = true;
    }
}
