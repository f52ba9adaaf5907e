using Telemetry.Log.Disk;

namespace Telemetry.Log;

/// <summary>Settings of a log; checked by <see cref="BlockLog.Open"/>.</summary>
public sealed class BlockLogOptions
{
    /// <summary>Folder of the log; created where it is missing. Ignored when <see cref="Disk"/> is set.</summary>
    public string Folder { get; set; } = "";

    /// <summary>Bytes of one segment file, reserved when it is begun; 1 MiB to 1 GiB, a multiple of 4096, default 64 MiB.
    /// What a start reads is at most about one segment. A log keeps the size its segments were made with.</summary>
    public int SegmentBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Bytes that may wait for the next flush; as many again are being flushed. 1 MiB to 256 MiB, default 16 MiB.
    /// Full means <see cref="BlockLog.TryAppend(LogRecordKind, byte, uint, long, ReadOnlySpan{byte}, out long)"/> says no.</summary>
    public int BufferBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How long a flush waits for company at most when the one before it carried more than one record; 0 to 20 ms, default 1 ms.
    /// A flush goes at once when as many records wait as the last one carried, or when the last one carried a single record.</summary>
    public TimeSpan GroupCommitDelay { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Pause between tries while the disk refuses writes; 10 ms to 10 s, default 250 ms.</summary>
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The disk to write to; null = <see cref="FileLogDisk"/> over <see cref="Folder"/>.</summary>
    public ILogDisk? Disk { get; set; }

    internal void Validate()
    {
        if (Disk is null && Folder.Length == 0) throw new ArgumentException("Log folder is empty; a path is expected.", nameof(Folder));
        Check(nameof(SegmentBytes), SegmentBytes, 1 << 20, 1 << 30);
        if (SegmentBytes % 4096 != 0) throw new ArgumentException($"SegmentBytes is {SegmentBytes}; a multiple of 4096 is expected.", nameof(SegmentBytes));
        Check(nameof(BufferBytes), BufferBytes, 1 << 20, 256 << 20);
        Check($"{nameof(GroupCommitDelay)} (ms)", (long)GroupCommitDelay.TotalMilliseconds, 0, 20);
        Check($"{nameof(RetryInterval)} (ms)", (long)RetryInterval.TotalMilliseconds, 10, 10_000);
    }

    private static void Check(string name, long value, long least, long most)
    {
        if (value < least || value > most) throw new ArgumentException($"{name} is {value}; {least} to {most} is expected.", name);
    }
}
