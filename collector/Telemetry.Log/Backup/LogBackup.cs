using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Times;

namespace Telemetry.Log.Backup;

/// <summary>Copies the folder of a log while a collector writes to it: what is copied opens as the log was at one instant.</summary>
/// <remarks>
/// Sealed segments do not change; one that is rewritten meanwhile is copied in its old or its new form, which hold the same. One that is merged meanwhile is copied with the segment
/// it is in now. The last segment is copied up to its last intact record. Checkpoint and cursors go first: they may then be behind the copied log, which costs work again, and never ahead of it, which would cost data.
/// </remarks>
public static class LogBackup
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Copies the log.</summary>
    /// <param name="from">Its folder; only read.</param>
    /// <param name="to">An empty one. Flushed at the end.</param>
    /// <exception cref="IOException">A disk refuses.</exception>
    public static void Copy(ILogDisk from, ILogDisk to)
    {
        byte[] buffer = new byte[CopyBytes];
        foreach (string name in from.ListFiles().Where(IsPlace)) Copy(from, to, name, buffer, long.MaxValue);
        Dictionary<string, uint> copied = new(StringComparer.Ordinal);
        while (!TryCopySegments(from, to, copied, buffer)) { } // each further round follows a merge, and the log has fewer segments then
        foreach (string name in to.ListFiles().Where(name => SegmentHeader.TryParseFileName(name, out _))) TryCopyTimes(from, to, Path.ChangeExtension(name, TimeTable.Suffix), buffer);
        to.FlushDirectory();
    }

    // A table goes along, since making it again means reading all of the segment. One that is not of the segment that was copied is known by its seed and made again.
    private static void TryCopyTimes(ILogDisk from, ILogDisk to, string name, byte[] buffer)
    {
        try
        {
            Copy(from, to, name, buffer, long.MaxValue);
        }
        catch (FileNotFoundException)
        {
            to.Delete(name); // nobody asked for it yet
        }
    }

    // What was copied is known by name and seed. The last segment is not: should there be another round, it may have grown.
    private static bool TryCopySegments(ILogDisk from, ILogDisk to, Dictionary<string, uint> copied, byte[] buffer)
    {
        List<string> segments = [.. from.ListFiles().Where(name => SegmentHeader.TryParseFileName(name, out _)).Order(StringComparer.Ordinal)];
        foreach (string name in copied.Keys.Except(segments)) to.Delete(name);
        try
        {
            foreach (string name in segments)
            {
                bool isLast = name == segments[^1];
                uint seed = SeedOf(from, name);
                if (!isLast && copied.TryGetValue(name, out uint known) && known == seed) continue;
                Copy(from, to, name, buffer, isLast ? EndOfRecords(from, name) : long.MaxValue);
                if (!isLast) copied[name] = seed;
            }

            return true;
        }
        catch (FileNotFoundException)
        {
            return false; // merged into a neighbour since the folder was listed
        }
    }

    private static uint SeedOf(ILogDisk disk, string name)
    {
        using ILogFile file = disk.Open(name, forWriting: false);
        return SegmentHeader.TryParseFileName(name, out long basePosition) && SegmentHeader.TryRead(file, basePosition, out SegmentHeader header) ? header.Seed : 0;
    }

    private static bool IsPlace(string name) => name.EndsWith(".cursor", StringComparison.Ordinal) || name == "sequences.checkpoint";

    private static void Copy(ILogDisk from, ILogDisk to, string name, byte[] buffer, long limit)
    {
        using ILogFile source = from.Open(name, forWriting: false);
        using ILogFile target = to.Create(name);
        for (long offset = 0; offset < limit;)
        {
            int count = source.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, limit - offset)), offset);
            if (count == 0) break;
            target.Write(buffer.AsSpan(0, count), offset);
            offset += count;
        }

        target.Flush();
    }

    // Behind the last record that is whole now; what is being written is of the next backup.
    private static long EndOfRecords(ILogDisk disk, string name)
    {
        using ILogFile file = disk.Open(name, forWriting: false);
        if (!SegmentHeader.TryParseFileName(name, out long basePosition) || !SegmentHeader.TryRead(file, basePosition, out SegmentHeader header)) return long.MaxValue;
        SegmentScanner scanner = new(file, header, new byte[CopyBytes]);
        long end = scanner.Offset;
        while (scanner.TryNext(Math.Min(file.Length, header.MaxFileBytes), out _, out _)) end = scanner.Offset;
        return end;
    }
}
