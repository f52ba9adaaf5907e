using Telemetry.Log.Disk;
using Telemetry.Log.Format;

namespace Telemetry.Log;

/// <content>The one writer: takes the filled buffer, writes it, flushes, and only then moves the durable position.</content>
public sealed partial class BlockLog
{
    // Readiness has 5 s to notice a disk that hangs; a flush takes well under one.
    private static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(3);

    private Thread? _writer;
    private long _flushStarted;
    private ILogFile? _writeFile;
    private LogSegment? _writeSegment;
    private long _writeEnd;
    private int _flushedRuns;
    private Task _indexKeeping = Task.CompletedTask;

    // Under the append lock: end of the group in flight, the records it held, and whether nothing will be flushed any more.
    private long _flushingEnd;
    private int _lastGroupRecords;
    private bool _isClosed;

    private void StartWriter()
    {
        _writer = new Thread(WriteUntilClosed) { Name = "log-writer", IsBackground = true };
        _writer.Start();
    }

    private void WriteUntilClosed()
    {
        while (WaitForGroup())
        {
            if (FlushPending()) continue;
            lock (_appendLock)
            {
                // The buffer in flight is kept and written again, so nothing accepted is forgotten.
                if (!_isClosing) Monitor.Wait(_appendLock, _options.RetryInterval);
                if (_isClosing) break;
            }
        }
    }

    /// <returns>False when closing and nothing is left to flush.</returns>
    private bool WaitForGroup()
    {
        lock (_appendLock)
        {
            if (_flushing.Count > 0) return true;
            _wakeAtRecords = 1;
            while (_filling.Count == 0)
            {
                if (_isClosing) return false;
                Monitor.Wait(_appendLock);
            }

            // Senders that wait for their acks come back together: give as many as last time a moment to join, and go at once when they have.
            int expected = _lastGroupRecords;
            if (expected > 1 && _filling.RecordCount < expected && !_isClosing && _options.GroupCommitDelay > TimeSpan.Zero)
            {
                _wakeAtRecords = expected;
                Monitor.Wait(_appendLock, _options.GroupCommitDelay);
            }

            _wakeAtRecords = int.MaxValue;
            return true;
        }
    }

    /// <summary>Writes and flushes one group: the one that failed before, or else what waits now.</summary>
    /// <returns>False when the disk refused; the group is kept for the next call.</returns>
    internal bool FlushPending()
    {
        lock (_appendLock)
        {
            if (_flushing.Count == 0)
            {
                if (_filling.Count == 0) return true;
                (_filling, _flushing) = (_flushing, _filling);
                _flushingEnd = _nextPosition;
                Volatile.Write(ref _generation, _generation + 1);
            }
        }

        long started = _time.GetTimestamp();
        Volatile.Write(ref _flushStarted, Math.Max(1, started));
        try
        {
            WriteRuns();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            EnterFailing(exception.Message);
            return false;
        }
        finally
        {
            Volatile.Write(ref _flushStarted, 0);
        }

        _metrics.CountFlush(_flushing, _time.GetElapsedTime(started));
        LeaveFailing();
        PublishDurable();
        return true;
    }

    private void WriteRuns()
    {
        // Runs that an earlier try flushed are not written again.
        for (; _flushedRuns < _flushing.Runs.Count; _flushedRuns++)
        {
            // Opening the next segment is a barrier: the runs before it are flushed, so only the last segment can be torn.
            AppendBuffer.Run run = _flushing.Runs[_flushedRuns];
            ILogFile file = FileOf(run.Segment);
            file.Write(_flushing.BytesOf(run), run.Position - run.Segment.BasePosition);
            file.Flush();
            _writeSegment!.Index!.AddRecords(_flushing.BytesOf(run), run.Position);
            _writeEnd = run.Position - run.Segment.BasePosition + run.Length;
        }
    }

    private void PublishDurable()
    {
        lock (_appendLock)
        {
            Volatile.Write(ref _durablePosition, _flushingEnd);
            _lastGroupRecords = _flushing.RecordCount;
        }

        // Nobody adds a wait to a group that is durable: it is this thread's alone now.
        foreach (DurableWaiter waiter in _flushing.Waiters) waiter.Complete(true);
        _flushing.Clear();
        _flushedRuns = 0;
    }

    private ILogFile FileOf(in SegmentHeader segment)
    {
        if (_writeSegment is { } current && _writeFile is not null && current.Header == segment) return _writeFile;

        ILogFile file;
        LogSegment? next = FindSegment(segment.BasePosition);
        if (next is null)
        {
            file = CreateSegment(segment);
            next = new LogSegment(segment, new SegmentIndex(segment));
            lock (_segmentsLock) _segments = [.. _segments, next];
        }
        else
        {
            file = _disk.Open(segment.FileName, forWriting: true);
            Reserve(file, segment.SegmentBytes);
            next.RecordsEnd = segment.EndPosition; // it grows again
        }

        if (_writeFile is not null) SealWritten();
        _writeFile = file;
        _writeSegment = next;
        return file;
    }

    private ILogFile CreateSegment(in SegmentHeader segment)
    {
        ILogFile file = _disk.Create(segment.FileName);
        Reserve(file, segment.SegmentBytes);
        try
        {
            segment.Write(file);
            file.Flush();
            _disk.FlushDirectory();
        }
        catch
        {
            file.Dispose();
            throw;
        }

        return file;
    }

    private static void Reserve(ILogFile file, long segmentBytes)
    {
        try
        {
            if (file.Length < segmentBytes) file.Resize(segmentBytes);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void SealWritten()
    {
        LogSegment sealedSegment = _writeSegment!;
        sealedSegment.RecordsEnd = sealedSegment.Header.BasePosition + _writeEnd;
        ReturnUnusedSpace();
        _writeFile!.Dispose();
        if (_writer is null) KeepIndex(sealedSegment);
        else _indexKeeping = _indexKeeping.ContinueWith(_ => KeepIndex(sealedSegment), TaskScheduler.Default);
    }

    // Not flushed and not in the way of acks: an index is checked by its CRC and made again from the records where it is missing.
    private void KeepIndex(LogSegment segment)
    {
        try
        {
            segment.Index!.Save(_disk);
            segment.Index = null;
            segment.Times?.Save(_disk);
            segment.Times = null;
        }
        catch (IOException exception)
        {
            LogEvents.IndexNotKept(_logger, segment.Header.BasePosition, exception.Message);
        }
    }

    // The end of a segment is where its records end; the file's length is only tidiness, so a refusal changes nothing.
    private void ReturnUnusedSpace()
    {
        try
        {
            _writeFile!.Resize(_writeEnd);
        }
        catch (IOException exception)
        {
            LogEvents.SpaceNotReturned(_logger, _writeSegment!.Header.BasePosition, exception.Message);
        }
    }

    private LogSegment? FindSegment(long basePosition) => Array.Find(_segments, segment => segment.Header.BasePosition == basePosition);

    private void EnterFailing(string reason)
    {
        _metrics.FlushFailures++;
        if (!_health.IsWriting) return;
        _health = new LogHealth(false, reason, _time.GetUtcNow());
        LogEvents.WritesFailing(_logger, reason, _options.RetryInterval.TotalMilliseconds);
    }

    private void LeaveFailing()
    {
        if (_health.IsWriting) return;
        DateTimeOffset now = _time.GetUtcNow();
        LogEvents.WritesResumed(_logger, (now - _health.Since).TotalSeconds);
        _health = new LogHealth(true, "", now);
    }

    /// <summary>Flushes what waits, stops the writer and gives every wait that is left the answer false.</summary>
    public void Dispose()
    {
        lock (_appendLock)
        {
            if (_isClosing) return;
            _isClosing = true;
            Monitor.PulseAll(_appendLock);
        }

        _writer?.Join();
        _indexKeeping.GetAwaiter().GetResult();
        DurableWaiter[] left;
        lock (_appendLock)
        {
            _isClosed = true;
            left = [.. _flushing.Waiters, .. _filling.Waiters];
        }

        foreach (DurableWaiter waiter in left) waiter.Complete(false);
        if (_writeFile is not null && _health.IsWriting) ReturnUnusedSpace();
        _writeFile?.Dispose();
        _metrics.Dispose();
        _folderLock.Dispose();
    }
}
