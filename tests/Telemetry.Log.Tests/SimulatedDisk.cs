using Telemetry.Log.Disk;

namespace Telemetry.Log.Tests;

/// <summary>Thrown by every call once the power is off.</summary>
public sealed class PowerLostException() : Exception("The power is off.");

/// <summary>
/// A disk in memory that keeps the promises of <see cref="ILogDisk"/> and not one more. At <see cref="CutPower"/> each write since the
/// last flush is kept, lost or torn by 512-byte sectors, in no order, and each name since the last directory flush is kept or lost.
/// </summary>
public sealed class SimulatedDisk(Random random) : ILogDisk
{
    private const int SectorBytes = 512;
    private readonly List<(string Name, Inode? Inode)> _pendingNames = [];
    private Dictionary<string, Inode> _durableNames = new(StringComparer.Ordinal);
    private Dictionary<string, Inode> _names = new(StringComparer.Ordinal);
    private int _powerGeneration;

    /// <summary>Calls that change the disk, so far.</summary>
    public int Changes { get; private set; }

    /// <summary>The power goes off before this change; int.MaxValue = never.</summary>
    public int CutBeforeChange { get; set; } = int.MaxValue;

    /// <summary>What writes, resizes, creates and flushes throw; null = they work.</summary>
    public IOException? WriteError { get; set; }

    /// <summary>Changes that succeed before each further one throws; int.MaxValue = all.</summary>
    public int RefuseAfter { get; set; } = int.MaxValue;

    /// <summary>The next flush of a file fails and takes the pages with it.</summary>
    public bool LosesPagesOnFailedFlush { get; set; }

    /// <summary>Runs in the middle of every flush of a file.</summary>
    public Action? DuringFlush { get; set; }

    /// <summary>Runs before every change and may read; null = nothing.</summary>
    public Action? BeforeChange { get; set; }

    /// <summary>Runs before a file is opened, with its name; null = nothing.</summary>
    public Action<string>? BeforeOpen { get; set; }

    /// <summary>Runs before a file is read; null = nothing.</summary>
    public Action? BeforeRead { get; set; }

    /// <summary>A disk that says "flushed" and did not: plants "ack before flush".</summary>
    public bool SkipsFlush { get; init; }

    /// <summary>A disk that forgets directory flushes: plants "missing directory flush".</summary>
    public bool SkipsDirectoryFlush { get; init; }

    public IReadOnlyList<string> ListFiles() => [.. _names.Keys];

    public ILogFile Create(string name)
    {
        Change();
        Inode inode = new();
        _names[name] = inode;
        _pendingNames.Add((name, inode));
        return new Handle(this, inode);
    }

    public ILogFile Open(string name, bool forWriting)
    {
        BeforeOpen?.Invoke(name);
        return _names.TryGetValue(name, out Inode? inode) ? new Handle(this, inode) : throw new FileNotFoundException("No such file.", name);
    }

    public void Rename(string from, string to)
    {
        Change();
        Inode inode = _names[from];
        _names.Remove(from);
        _names[to] = inode;
        _pendingNames.Add((to, inode));
        _pendingNames.Add((from, null));
    }

    public void Delete(string name)
    {
        Change();
        if (_names.Remove(name)) _pendingNames.Add((name, null));
    }

    public void FlushDirectory()
    {
        Change();
        if (SkipsDirectoryFlush) return;
        _durableNames = new Dictionary<string, Inode>(_names, StringComparer.Ordinal);
        _pendingNames.Clear();
    }

    public IDisposable Lock() => new MemoryStream();

    /// <summary>Takes away what was never flushed, by chance, and turns the power on again.</summary>
    public void CutPower()
    {
        _powerGeneration++;
        CutBeforeChange = int.MaxValue;
        foreach ((string name, Inode? inode) in _pendingNames)
        {
            if (random.Next(2) == 0) continue;
            if (inode is null) _durableNames.Remove(name);
            else _durableNames[name] = inode;
        }

        _pendingNames.Clear();
        foreach (Inode inode in _durableNames.Values) inode.LosePower(random);
        _names = new Dictionary<string, Inode>(_durableNames, StringComparer.Ordinal);
    }

    /// <summary>Everything is as a killed process leaves it: written bytes stay, open handles are gone.</summary>
    public void KillProcess()
    {
        _powerGeneration++;
        CutBeforeChange = int.MaxValue;
    }

    /// <summary>The bytes of a file, to rot them in place.</summary>
    public Span<byte> Contents(string name) => _names[name].Contents;

    private void Change()
    {
        BeforeChange?.Invoke();
        if (Changes >= CutBeforeChange) throw new PowerLostException();
        Changes++;
        if (WriteError is not null) throw WriteError;
        if (RefuseAfter == 0) throw new IOException("No space left on device");
        if (RefuseAfter != int.MaxValue) RefuseAfter--;
    }

    private sealed class Inode
    {
        private readonly List<(long Offset, byte[] Bytes)> _pendingWrites = [];
        private byte[] _durable = [];
        private byte[] _current = [];

        public long Length => _current.Length;

        public Span<byte> Contents => _current;

        public int Read(Span<byte> destination, long offset)
        {
            if (offset >= _current.Length) return 0;
            int count = (int)Math.Min(destination.Length, _current.Length - offset);
            _current.AsSpan((int)offset, count).CopyTo(destination);
            return count;
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (_current.Length < offset + bytes.Length) Array.Resize(ref _current, (int)offset + bytes.Length);
            bytes.CopyTo(_current.AsSpan((int)offset));
            _pendingWrites.Add((offset, bytes.ToArray()));
        }

        public void Resize(long length) => Array.Resize(ref _current, (int)length);

        public void Flush()
        {
            if (_durable.Length != _current.Length) Array.Resize(ref _durable, _current.Length);
            foreach ((long offset, byte[] bytes) in _pendingWrites) Keep(offset, bytes);
            _pendingWrites.Clear();
        }

        public void DropPendingWrites()
        {
            _pendingWrites.Clear();
            _current = (byte[])_durable.Clone();
        }

        public void LosePower(Random random)
        {
            if (_pendingWrites.Count == 0 && _current.Length == _durable.Length) return;
            if (_current.Length != _durable.Length && random.Next(2) == 0) Array.Resize(ref _durable, _current.Length);
            foreach ((long offset, byte[] bytes) in _pendingWrites)
            {
                int fate = random.Next(3);
                for (int start = 0; fate != 0 && start < bytes.Length;)
                {
                    int end = (int)Math.Min(bytes.Length, (((offset + start) / SectorBytes) + 1) * SectorBytes - offset);
                    if (fate == 1 || random.Next(2) == 0) Keep(offset + start, bytes.AsSpan(start, end - start));
                    start = end;
                }
            }

            _pendingWrites.Clear();
            _current = (byte[])_durable.Clone();
        }

        private void Keep(long offset, ReadOnlySpan<byte> bytes)
        {
            if (_durable.Length < offset + bytes.Length) Array.Resize(ref _durable, (int)offset + bytes.Length);
            bytes.CopyTo(_durable.AsSpan((int)offset));
        }
    }

    private sealed class Handle(SimulatedDisk disk, Inode inode) : ILogFile
    {
        private readonly int _powerGeneration = disk._powerGeneration;

        public long Length => inode.Length;

        public int Read(Span<byte> destination, long offset)
        {
            disk.BeforeRead?.Invoke();
            return inode.Read(destination, offset);
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            Change();
            inode.Write(bytes, offset);
        }

        public void Resize(long length)
        {
            Change();
            inode.Resize(length);
        }

        public void Flush()
        {
            Change();
            disk.DuringFlush?.Invoke();
            if (disk.LosesPagesOnFailedFlush)
            {
                disk.LosesPagesOnFailedFlush = false;
                inode.DropPendingWrites();
                throw new IOException("Input/output error");
            }

            if (!disk.SkipsFlush) inode.Flush();
        }

        public void Dispose()
        {
            // Nothing to give back: the inode lives as long as a name or a handle holds it.
        }

        private void Change()
        {
            if (_powerGeneration != disk._powerGeneration) throw new PowerLostException();
            disk.Change();
        }
    }
}
