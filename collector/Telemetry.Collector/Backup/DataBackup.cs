using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Telemetry.Ingest;
using Telemetry.Log.Backup;
using Telemetry.Log.Disk;

namespace Telemetry.Collector.Backup;

/// <summary>What a backup or a restore did.</summary>
/// <param name="Files">Files of the data folder.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Batches">Batches in the log.</param>
/// <param name="IsSound">No damaged byte, no batch stored twice.</param>
public sealed record BackupReport(int Files, long Bytes, long Batches, bool IsSound);

/// <summary>
/// Copies a data folder while its collector runs, and back. The copy holds together: what is derived is copied before the log it is derived from, so it may be behind and is
/// never ahead; the registry last, so every batch finds its device.
/// </summary>
/// <remarks>Needs no word with the collector: databases by SQLite's online backup, the log by <see cref="LogBackup"/>, small files as they are.</remarks>
public static class DataBackup
{
    /// <summary>Written last: a backup without it is not complete.</summary>
    public const string ManifestName = "backup.json";

    private const string LogFolder = "log";
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Copies a data folder, in use or not.</summary>
    /// <param name="data">The data folder.</param>
    /// <param name="target">A folder that does not exist or is empty.</param>
    /// <param name="now">Noted in the manifest.</param>
    /// <exception cref="InvalidDataException">A folder is not what is expected; the text says which.</exception>
    /// <exception cref="IOException">A disk refuses; the target is not complete.</exception>
    public static BackupReport Create(string data, string target, DateTimeOffset now)
    {
        if (!Directory.Exists(Path.Combine(data, LogFolder))) throw new InvalidDataException($"'{data}' has no log/ in it; a collector's data folder is expected.");
        if (IsBelow(target, data)) throw new InvalidDataException($"'{target}' lies in the data folder '{data}'; a folder outside is expected, or each backup would hold those before it.");
        MakeEmpty(target);
        string[] names = [.. Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(data, path)).Where(IsCopied)];
        foreach (string name in names.Where(name => !name.EndsWith(".db", StringComparison.Ordinal))) CopyFile(data, target, name);
        foreach (string name in names.Where(name => name.EndsWith(".db", StringComparison.Ordinal) && name != "registry.db")) CopyDatabase(data, target, name);
        LogBackup.Copy(new FileLogDisk(Path.Combine(data, LogFolder)), new FileLogDisk(Path.Combine(target, LogFolder)));
        if (names.Contains("registry.db")) CopyDatabase(data, target, "registry.db");

        Manifest manifest = new(1, now.ToUnixTimeMilliseconds(), [.. FilesOf(target).Select(name => Describe(target, name))]);
        File.WriteAllText(Path.Combine(target, ManifestName), JsonSerializer.Serialize(manifest, s_json));
        return Report(target, manifest);
    }

    /// <summary>Makes a data folder of a backup, once every file has the hash of the manifest.</summary>
    /// <param name="backup">A complete backup.</param>
    /// <param name="data">A folder that does not exist or is empty.</param>
    /// <exception cref="InvalidDataException">The backup is not complete, or a file is not what it was.</exception>
    /// <exception cref="IOException">A disk refuses.</exception>
    public static BackupReport Restore(string backup, string data)
    {
        Manifest manifest = ReadManifest(backup);
        foreach (BackupFile file in manifest.Files) RequireSame(backup, file);
        if (FilesOf(backup).Where(name => name != ManifestName).Except(manifest.Files.Select(file => file.Path)).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"'{unknown}' in '{backup}' is not in {ManifestName}, which is not what it was.");
        MakeEmpty(data);
        foreach (BackupFile file in manifest.Files)
        {
            CopyFile(backup, data, file.Path);
            RequireSame(data, file);
        }

        return Report(data, manifest);
    }

    // Locks are the running process's, sidecars are inside what the online backup copies, the log has its own way.
    private static bool IsCopied(string name) =>
        Path.GetFileName(name) != "lock" && !name.StartsWith(LogFolder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
        && !name.EndsWith("-wal", StringComparison.Ordinal) && !name.EndsWith("-shm", StringComparison.Ordinal) && !name.EndsWith("-journal", StringComparison.Ordinal);

    private static void CopyDatabase(string from, string to, string name)
    {
        using SqliteConnection source = Connect(Path.Combine(from, name), SqliteOpenMode.ReadOnly);
        using SqliteConnection target = Connect(Path.Combine(to, name), SqliteOpenMode.ReadWriteCreate);
        source.BackupDatabase(target);
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ConnectionString);
        connection.Open();
        return connection;
    }

    // Access rights go along: the operator token is its owner's only.
    private static void CopyFile(string from, string to, string name)
    {
        string target = Path.Combine(to, name);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(Path.Combine(from, name), target);
    }

    private static void MakeEmpty(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new InvalidDataException($"'{folder}' exists and is not empty; a new or empty folder is expected.");
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static bool IsBelow(string folder, string other) =>
        (Path.GetFullPath(folder) + Path.DirectorySeparatorChar).StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(other)) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static Manifest ReadManifest(string backup)
    {
        string path = Path.Combine(backup, ManifestName);
        if (!File.Exists(path)) throw new InvalidDataException($"'{backup}' has no {ManifestName}: it is no backup, or one that was not finished.");
        try
        {
            Manifest? manifest = JsonSerializer.Deserialize<Manifest>(File.ReadAllText(path), s_json);
            return manifest is { Version: 1, Files: { } files } && files.All(file => file is { Path: not null, Sha256: not null })
                ? manifest
                : throw new InvalidDataException($"'{path}' is no manifest of version 1.");
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"'{path}' cannot be read: {fault.Message}", fault);
        }
    }

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal);

    private static BackupFile Describe(string folder, string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(folder, name));
        return new BackupFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void RequireSame(string folder, BackupFile expected)
    {
        if (Path.IsPathRooted(expected.Path) || expected.Path.Split('/', '\\').Contains("..")) throw new InvalidDataException($"The manifest names '{expected.Path}', which is outside the folder.");
        if (!File.Exists(Path.Combine(folder, expected.Path))) throw new InvalidDataException($"'{expected.Path}' is missing in '{folder}'.");
        BackupFile found = Describe(folder, expected.Path);
        if (found != expected) throw new InvalidDataException($"'{expected.Path}' in '{folder}' is not what it was: {found.Bytes} bytes, SHA-256 {found.Sha256}; {expected.Bytes} and {expected.Sha256} are expected.");
    }

    private static BackupReport Report(string folder, Manifest manifest)
    {
        FolderInspection found = FolderInspection.Of(new FileLogDisk(Path.Combine(folder, LogFolder)));
        return new BackupReport(manifest.Files.Count, manifest.Files.Sum(file => file.Bytes), found.Batches, found.IsSound);
    }

    private sealed record Manifest(int Version, long CreatedUnixMs, IReadOnlyList<BackupFile> Files);

    private sealed record BackupFile(string Path, long Bytes, string Sha256);
}
