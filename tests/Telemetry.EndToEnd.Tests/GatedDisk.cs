using Telemetry.Log.Disk;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A real folder whose flushes wait until the test lets them, or whose writes it refuses: a disk that is too slow or full, without a clock in it.</summary>
internal sealed class GatedDisk(string folder) : ILogDisk, IDisposable
{
    private readonly FileLogDisk _disk = new(folder);
    private readonly ManualResetEventSlim _open = new(initialState: true);
    private long _mostBytesWritten;

    /// <summary>The longest single write: the bytes of one group.</summary>
    public long MostBytesWritten => Interlocked.Read(ref _mostBytesWritten);

    /// <summary>What writes and reservations fail with, e.g. "No space left on device"; null = they work.</summary>
    public string? Refusal { get; set; }

    /// <summary>Every further flush waits.</summary>
    public void Close() => _open.Reset();

    /// <summary>Lets the flush that waits and all further ones happen.</summary>
    public void Open() => _open.Set();

    public IReadOnlyList<string> ListFiles() => _disk.ListFiles();

    public ILogFile Create(string name) => new GatedFile(this, _disk.Create(name));

    public ILogFile Open(string name, bool forWriting) => new GatedFile(this, _disk.Open(name, forWriting));

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Delete(string name) => _disk.Delete(name);

    public void FlushDirectory() => _disk.FlushDirectory();

    public IDisposable Lock() => _disk.Lock();

    public void Dispose() => _open.Dispose();

    private void ThrowIfRefusing()
    {
        if (Refusal is { } refusal) throw new IOException(refusal);
    }

    private sealed class GatedFile(GatedDisk disk, ILogFile file) : ILogFile
    {
        public long Length => file.Length;

        public int Read(Span<byte> destination, long offset) => file.Read(destination, offset);

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            disk.ThrowIfRefusing();
            disk._mostBytesWritten = Math.Max(disk._mostBytesWritten, bytes.Length);
            file.Write(bytes, offset);
        }

        public void Resize(long length)
        {
            disk.ThrowIfRefusing();
            file.Resize(length);
        }

        public void Flush()
        {
            disk._open.Wait();
            file.Flush();
        }

        public void Dispose() => file.Dispose();
    }
}
