using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;
using Telemetry.Log.Times;

namespace Telemetry.Log;

/// <summary>What a compaction did.</summary>
/// <param name="Segments">Segment files that were written anew.</param>
/// <param name="Merged">Segment files that are gone: their records stand in a neighbour's.</param>
/// <param name="BytesBefore">Bytes of all these before.</param>
/// <param name="BytesAfter">Bytes of the files written anew.</param>
public sealed record LogCompaction(int Segments, int Merged, long BytesBefore, long BytesAfter)
{
    internal LogCompaction Plus(int parts, in RewrittenSegment done) =>
        new(Segments + 1, Merged + parts - 1, BytesBefore + done.BytesBefore, BytesAfter + done.BytesAfter);
}

/// <content>Compaction: segments packed, and small neighbours joined into one of the usual size.</content>
public sealed partial class BlockLog
{
    /// <summary>Packs old segments: the small blocks of a device become long ones, and a batch's own words a row of a table. Neighbours that are small become one, so that a
    /// device's columns are as long as they can be. Readers notice nothing: every record keeps its position and its bytes, which is proven by reading the new file back
    /// before the old ones go.</summary>
    /// <param name="sealedBefore">Segments that were full by then; later ones stay as they came.</param>
    /// <param name="cancellation">Ends it between two segments.</param>
    /// <exception cref="IOException">The disk refuses. Some segments may be done; call again for the rest.</exception>
    public async Task<LogCompaction> CompactAsync(DateTimeOffset sealedBefore, CancellationToken cancellation = default)
    {
        await _rewriting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            RemoveLeftovers();
            await _indexKeeping.ConfigureAwait(false);
            LogCompaction sum = new(0, 0, 0, 0);
            int written;
            do
            {
                written = sum.Segments;
                sum = CompactOnce(sealedBefore, sum, cancellation);
            }
            while (sum.Segments > written); // what was written anew may now be joined with its neighbours

            if (sum.Segments > 0) LogEvents.Compacted(_logger, sum.Segments, sum.Merged, sum.BytesBefore, sum.BytesAfter);
            return sum;
        }
        finally
        {
            _rewriting.Release();
        }
    }

    private LogCompaction CompactOnce(DateTimeOffset sealedBefore, LogCompaction sum, CancellationToken cancellation)
    {
        LogSegment[] segments = _segments;
        for (int i = 0, parts; i < segments.Length - 1; i += parts)
        {
            cancellation.ThrowIfCancellationRequested();
            parts = CountToJoin(segments, i, sealedBefore);
            if (parts == 0)
            {
                parts = 1;
                continue;
            }

            LogSegment segment = segments[i];
            if (parts == 1 && (segment.Header.IsCompacted || segment.GainsNothing)) continue;
            RewrittenSegment done = TryRewrite(segments.AsSpan(i, parts));
            segment.GainsNothing = parts == 1 && done.Segment is null;
            if (done.Segment is null) continue;
            Exchange(segments.AsSpan(i, parts), done.Segment);
            if (parts > 1) RemoveLeftovers();
            sum = sum.Plus(parts, done);
        }

        return sum;
    }

    // 0: this one is too young, or stays as it is; 1: it has no neighbours to be joined with.
    private int CountToJoin(LogSegment[] segments, int first, DateTimeOffset sealedBefore)
    {
        long most = _options.SegmentBytes - SegmentHeader.Bytes, sum = 0;
        List<long> sizes = [];
        for (int i = first; i < segments.Length - 1 && sum <= most; i++)
        {
            if (segments[i].StaysAsItIs || FullSince(segments, i) > sealedBefore) break;
            if (i > first && segments[i].Header.BasePosition != segments[i - 1].Header.EndPosition) break; // one between them cannot be read
            sizes.Add(segments[i].RecordBytes(_disk));
            sum += sizes[^1];
        }

        return sizes.Count == 0 ? 0 : MergePlan.CountToJoin([.. sizes], most);
    }

    private RewrittenSegment TryRewrite(ReadOnlySpan<LogSegment> parts)
    {
        try
        {
            return parts.Length == 1 ? SegmentRewriter.Rewrite(_disk, parts[0], drops: null, compacts: true, _oddDevices) : SegmentRewriter.Merge(_disk, parts, _options.SegmentBytes, _oddDevices);
        }
        catch (InvalidDataException fault)
        {
            // The proof failed: a defect of the packer. The segments stay as they are, and the others need not wait for the repair.
            foreach (LogSegment part in parts) part.StaysAsItIs = true;
            LogEvents.CompactionRefused(_logger, parts[0].Header.BasePosition, fault.Message);
            return default;
        }
    }

    // What a crash or a disk that refused left behind: files half written, and files of segments whose records stand in a merged one. That one must survive a power cut before they go.
    private void RemoveLeftovers()
    {
        string[] left = [.. _disk.ListFiles().Where(name => name.EndsWith(SegmentRewriter.WritingSuffix, StringComparison.Ordinal) || IsMerged(name))];
        if (left.Length == 0) return;
        _disk.FlushDirectory();
        foreach (string name in left) _disk.Delete(name);
        _disk.FlushDirectory();
    }

    private bool IsMerged(string name) =>
        (SegmentHeader.TryParseFileName(name, out long position) || SegmentHeader.TryParseFileName(name, out position, SegmentIndex.Suffix)
            || SegmentHeader.TryParseFileName(name, out position, TimeTable.Suffix))
        && Array.Exists(_segments, segment => segment.Header.IsPacked && segment.Header.BasePosition < position && position < segment.Header.EndPosition);
}
