using Microsoft.Win32.SafeHandles;

namespace Telemetry.Log.Disk;

/// <summary>A folder of the file system.</summary>
public sealed class FileLogDisk : ILogDisk
{
    private const string LockName = "lock";
    private readonly string _folder;

    /// <summary>Creates the folder where it is missing.</summary>
    public FileLogDisk(string folder)
    {
        _folder = Path.GetFullPath(folder);
        WholeFile.MakeFolder(_folder);
    }

    public IReadOnlyList<string> ListFiles() =>
        [.. Directory.EnumerateFiles(_folder).Select(path => Path.GetFileName(path)).Where(name => name != LockName)];

    public ILogFile Create(string name) => new OpenFile(File.OpenHandle(
        PathOf(name), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    public ILogFile Open(string name, bool forWriting) => new OpenFile(File.OpenHandle(
        PathOf(name), FileMode.Open, forWriting ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    public void Delete(string name) => File.Delete(PathOf(name));

    public void FlushDirectory()
    {
        // Elsewhere names follow the file system's own journal.
        if (Libc.IsHere) Libc.FlushFolder(_folder);
    }

    public IDisposable Lock()
    {
        try
        {
            return new FileStream(PathOf(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new IOException($"The log folder {_folder} is in use by another process; stop it first.", exception);
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private sealed class OpenFile(SafeFileHandle handle) : ILogFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> destination, long offset)
        {
            int total = 0;
            while (total < destination.Length)
            {
                int read = RandomAccess.Read(handle, destination[total..], offset + total);
                if (read == 0) break;
                total += read;
            }

            return total;
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

        public void Resize(long length)
        {
            long present = Length;
            if (length > present && Libc.IsHere) Libc.Reserve(handle, present, length - present);
            else RandomAccess.SetLength(handle, length);
        }

        public void Flush()
        {
            if (Libc.IsHere) Libc.FlushData(handle);
            else RandomAccess.FlushToDisk(handle);
        }

        public void Dispose() => handle.Dispose();
    }
}
