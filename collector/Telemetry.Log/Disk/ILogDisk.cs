namespace Telemetry.Log.Disk;

/// <summary>
/// One flat folder as the log needs it. What is written is certain only after <see cref="ILogFile.Flush"/>, and a name
/// that was created, renamed or deleted only after <see cref="FlushDirectory"/>: the simulated disk of the tests takes both away.
/// </summary>
/// <remarks>Every member may throw <see cref="IOException"/>; implementations are safe for use by several threads.</remarks>
public interface ILogDisk
{
    /// <summary>Names of all files, in no order.</summary>
    IReadOnlyList<string> ListFiles();

    /// <summary>Creates an empty file, replacing one of the same name, and opens it for reading and writing.</summary>
    ILogFile Create(string name);

    /// <summary>Opens an existing file.</summary>
    /// <exception cref="FileNotFoundException">There is none of that name.</exception>
    ILogFile Open(string name, bool forWriting);

    /// <summary>Gives a file another name, replacing what stood there, in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; nothing happens when there is none. Open handles keep reading it.</summary>
    void Delete(string name);

    /// <summary>Returns when every create, rename and delete so far survives a power cut.</summary>
    void FlushDirectory();

    /// <summary>Keeps other processes out until disposed.</summary>
    /// <exception cref="IOException">Another process holds the folder.</exception>
    IDisposable Lock();
}

/// <summary>An open file. Reads and writes name their offset, so one handle serves several threads.</summary>
public interface ILogFile : IDisposable
{
    /// <summary>Bytes from the beginning to the end, written or not.</summary>
    long Length { get; }

    /// <summary>Reads up to <paramref name="destination"/>.Length bytes; fewer only at the end of the file.</summary>
    int Read(Span<byte> destination, long offset);

    /// <summary>Writes all bytes. A power cut before <see cref="Flush"/> may keep any part of them.</summary>
    void Write(ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Grows the file with reserved space that reads as zero, or cuts it off.</summary>
    void Resize(long length);

    /// <summary>Returns when every byte written so far survives a power cut (fdatasync).</summary>
    void Flush();
}
