using System.Text;
using System.Text.Json;

namespace Telemetry.Influx.Delivery;

/// <summary>Lines a server refused for good, kept with its words: one JSON object a line in <c>influx-refused.jsonl</c>.
/// At <see cref="MaxFileBytes"/> the file becomes <c>influx-refused.1.jsonl</c> and the one before it goes.</summary>
/// <remarks>The folder holds samples of persons: it belongs under the collector's data folder and its protection. One owner.</remarks>
internal sealed class RefusedLines(string folder, TimeProvider time)
{
    public const int MaxFileBytes = 64 * 1024 * 1024;

    /// <summary>Longest server text kept.</summary>
    public const int MaxReasonLength = 1024;

    /// <summary>Lines set aside since the start.</summary>
    public long Count { get; private set; }

    public string FilePath { get; } = Path.Combine(folder, "influx-refused.jsonl");

    /// <summary>Sets a line aside and flushes it to disk, so that the cursor may pass over it.</summary>
    public void Add(ReadOnlySpan<byte> line, int httpStatus, string reason)
    {
        Directory.CreateDirectory(folder);
        using (FileStream file = new(FilePath, FileMode.Append))
        {
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

        Count++;
        if (new FileInfo(FilePath).Length > MaxFileBytes) File.Move(FilePath, Path.Combine(folder, "influx-refused.1.jsonl"), overwrite: true);
    }
}
