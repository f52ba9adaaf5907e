using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Telemetry.Log.Disk;

/// <summary>The three calls .NET has no door to. Only called where <see cref="IsHere"/>.</summary>
internal static partial class Libc
{
    private const int OpenReadOnly = 0;
    private const int Interrupted = 4; // EINTR

    public static bool IsHere { get; } = OperatingSystem.IsLinux();

    /// <summary>Flushes data and the metadata needed to read it back (POSIX fdatasync); cheaper than fsync, which also flushes times.</summary>
    public static void FlushData(SafeFileHandle file)
    {
        while (fdatasync(file) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) throw Failure("fdatasync", error);
        }
    }

    /// <summary>Reserves blocks so that later writes cannot run out of space (posix_fallocate).</summary>
    public static void Reserve(SafeFileHandle file, long offset, long length)
    {
        int error;
        while ((error = posix_fallocate(file, offset, length)) == Interrupted) { }
        if (error != 0) throw Failure("posix_fallocate", error);
    }

    /// <summary>Flushes the names in a folder.</summary>
    public static void FlushFolder(string path)
    {
        int handle = open(path, OpenReadOnly);
        if (handle < 0) throw Failure("open", Marshal.GetLastPInvokeError());
        try
        {
            if (fsync(handle) != 0) throw Failure("fsync", Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = close(handle);
        }
    }

    private static IOException Failure(string call, int error) => new($"{call}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc")]
    private static partial int posix_fallocate(SafeFileHandle file, long offset, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}
