using System.Text;
using System.Text.Json;
using Telemetry.Log.Disk;

namespace Telemetry.Influx.Delivery;

/// <summary>Lines a server refused for good, kept with its words: one JSON object a line in <c>influx-refused.jsonl</c>.
/// At <see cref="MaxFileBytes"/> the file becomes <c>influx-refused.1.jsonl</c> and the one before it goes.</summary>
/// <remarks>The folder holds samples of persons: it belongs under the collector's data folder and its protection. Thread-safe; one object a folder.</remarks>
internal sealed class RefusedLines(string folder, TimeProvider time)
{
    public const int MaxFileBytes = 64 * 1024 * 1024;

    /// <summary>Longest server text kept.</summary>
    public const int MaxReasonLength = 1024;

    private readonly Lock _gate = new();
    private readonly string _olderPath = Path.Combine(folder, "influx-refused.1.jsonl");

    /// <summary>Lines set aside since the start.</summary>
    public long Count { get; private set; }

    public string FilePath { get; } = Path.Combine(folder, "influx-refused.jsonl");

    /// <summary>Sets a line aside and flushes it to disk, so that the cursor may pass over it.</summary>
    public void Add(ReadOnlySpan<byte> line, int httpStatus, string reason)
    {
        lock (_gate)
        {
            WholeFile.MakeFolder(folder);
            bool isNew = !File.Exists(FilePath);
            using (FileStream file = new(FilePath, FileMode.OpenOrCreate))
            {
                BeginEntry(file);
                using (Utf8JsonWriter json = new(file))
                {
                    json.WriteStartObject();
                    json.WriteString("time", time.GetUtcNow());
                    json.WriteNumber("status", httpStatus);
                    json.WriteString("reason", reason.Length > MaxReasonLength ? reason[..MaxReasonLength] : reason);
                    json.WriteString("line", Encoding.UTF8.GetString(line.TrimEnd((byte)'\n')));
                    json.WriteEndObject();
                }

                file.WriteByte((byte)'\n');
                file.Flush(flushToDisk: true);
            }

            if (isNew) WholeFile.FlushName(FilePath);
            Count++;
            if (new FileInfo(FilePath).Length > MaxFileBytes) File.Move(FilePath, _olderPath, overwrite: true);
        }
    }

    /// <summary>Takes lines out of both files: each is written anew, flushed, and put in the place of the old one, so a crash leaves the one or the other.</summary>
    /// <param name="isToGo">Decides by the line. An entry that a crash cut short goes unasked: nobody can say whose it is.</param>
    /// <returns>Entries that went.</returns>
    public int Erase(Func<string, bool> isToGo)
    {
        lock (_gate) return Erase(FilePath, isToGo) + Erase(_olderPath, isToGo);
    }

    // Goes behind the last entry; one that a crash cut short gets its end, or the new one would be unreadable with it.
    private static void BeginEntry(FileStream file)
    {
        if (file.Length == 0) return;
        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != '\n') file.WriteByte((byte)'\n');
    }

    private static int Erase(string path, Func<string, bool> isToGo)
    {
        if (!File.Exists(path)) return 0;
        bool IsKept(string entry) => LineOf(entry) is { } line && !isToGo(line);
        int gone = File.ReadLines(path).Count(entry => !IsKept(entry));
        if (gone == 0) return 0;
        WholeFile.Replace(path, file =>
        {
            using StreamWriter kept = new(file, leaveOpen: true) { NewLine = "\n" };
            foreach (string entry in File.ReadLines(path).Where(IsKept)) kept.WriteLine(entry);
        });
        return gone;
    }

    private static string? LineOf(string entry)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(entry);
            return json.RootElement.GetProperty("line").GetString();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
