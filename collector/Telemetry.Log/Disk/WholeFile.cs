namespace Telemetry.Log.Disk;

/// <summary>Small files that are replaced whole: after a crash or a power cut at any point the old or the new content stands there.</summary>
public static class WholeFile
{
    /// <summary>Replaces a file, or makes it. Returns once the new content would survive a power cut.</summary>
    /// <param name="path">Its folder is made where it is missing.</param>
    /// <param name="write">Writes the content from the beginning.</param>
    /// <exception cref="IOException">The disk refuses; the old content stands.</exception>
    public static void Replace(string path, Action<Stream> write)
    {
        MakeFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string fresh = path + ".new";
        using (FileStream file = new(fresh, FileMode.Create, FileAccess.Write))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
        FlushName(path);
    }

    /// <summary>Makes a folder where it is missing, and those above it, so that they survive a power cut.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void MakeFolder(string path)
    {
        if (Directory.Exists(path)) return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent) MakeFolder(parent);
        Directory.CreateDirectory(path);
        FlushName(path);
    }

    /// <summary>Makes a file's or folder's name survive a power cut: a file that is new, renamed or gone is so on the disk only once its folder was flushed.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void FlushName(string path)
    {
        // Elsewhere names follow the file system's own journal.
        if (Libc.IsHere) Libc.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
