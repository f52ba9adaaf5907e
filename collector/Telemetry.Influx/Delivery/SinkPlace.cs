using System.Text.Json;
using Telemetry.Log;
using Telemetry.Log.Disk;

namespace Telemetry.Influx.Delivery;

/// <summary>
/// The sink's place in the log, twice: up to where the server answered for everything, which is the cursor, and, where the server is an InfluxDB 1, up to where everything is in its data
/// files. What lies between stands in its write-ahead log only, and may be gone when another process is met (README, "A server that loses what it flushed"): then the place is set back.
/// </summary>
/// <remarks>One owner. The second place and the process that it is true of stand in a small file beside the refused lines, so that a process that came while the collector was away is noticed too.</remarks>
internal sealed class SinkPlace
{
    private readonly LogCursor _cursor;
    private readonly string _path;
    private (long Position, IReadOnlyList<ShardCache> Caches)? _awaited; // told by the server after it had answered for everything before the position

    /// <param name="cursor">Of the sink; nobody else saves it. Until the server is met it shows what is certain, not what was answered.</param>
    /// <param name="options">Their folder has the file. Without a settle time nobody is asked who answers, and none is read.</param>
    public SinkPlace(LogCursor cursor, InfluxOptions options)
    {
        _cursor = cursor;
        _path = Path.Combine(options.RefusedFolder, cursor.Name + "-server.json");
        Answered = Flushed = cursor.Position;
        if (options.SettleTime == TimeSpan.Zero || !File.Exists(_path)) return;
        (Process, Flushed) = Read();
        cursor.Report(Flushed);
        IsToMeet = true;
    }

    /// <summary>Before this the server answered for everything: here the reader goes on.</summary>
    public long Answered { get; private set; }

    /// <summary>Before this everything is in the server's data files; what is behind it, another process may not have. Equal to <see cref="Answered"/> for a server taken at its word.</summary>
    public long Flushed { get; private set; }

    /// <summary>The InfluxDB 1 process that <see cref="Flushed"/> speaks of, by the instant of its start; empty = another server.</summary>
    public string Process { get; private set; } = "";

    /// <summary>A process is remembered, and it is not known yet whether it still runs.</summary>
    public bool IsToMeet { get; private set; }

    /// <summary>True for the process that <see cref="Flushed"/> speaks of.</summary>
    public bool IsOf(ServerProcess process) => process.Kind == ServerKind.InfluxDb1 && process.Start == Process;

    /// <summary>Keeps the place: the server answered for everything before it.</summary>
    public void Answer(long position)
    {
        _cursor.Save(position);
        Answered = position;
        if (Process.Length == 0) Flushed = position;
    }

    /// <summary>Learns which process answers.</summary>
    /// <returns>False when it is another one and may not have all that was answered for: <see cref="Answered"/> is set back, and everything behind it is to be sent again.</returns>
    public bool Meet(ServerProcess process)
    {
        bool isSame = process.Kind == ServerKind.InfluxDb1 ? IsOf(process) : Process.Length == 0;
        bool hasAll = isSame || Answered == Flushed;
        if (!hasAll) Answer(Flushed); // first: a crash behind it finds the process before, and comes here again
        if (!isSame)
        {
            Process = process.Kind == ServerKind.InfluxDb1 ? process.Start : "";
            _awaited = null;
            Write(Answered);
        }

        if (IsToMeet) _cursor.Report(Answered);
        IsToMeet = false;
        return hasAll;
    }

    /// <summary>Moves <see cref="Flushed"/> by what the server says of its caches.</summary>
    /// <param name="answered">Where <see cref="Answered"/> stood before the server was asked.</param>
    /// <param name="caches">Of the shards of our database.</param>
    public void Flush(long answered, IReadOnlyList<ShardCache> caches)
    {
        if (caches.Count == 0) return; // it does not tell
        if (_awaited is { } awaited && awaited.Caches.All(cache => cache.IsFlushedIn(caches))) Write(awaited.Position);
        else if (_awaited is not null) return;
        bool isEmpty = caches.All(cache => cache.Bytes == 0);
        if (isEmpty && answered > Flushed) Write(answered);
        _awaited = answered > Flushed ? (answered, caches) : null;
    }

    private void Write(long flushed)
    {
        if (Process.Length == 0) File.Delete(_path);
        else WholeFile.Replace(_path, file => JsonSerializer.Serialize(file, new Kept(Process, flushed)));
        Flushed = flushed;
    }

    private (string Process, long Flushed) Read()
    {
        try
        {
            Kept? kept = JsonSerializer.Deserialize<Kept>(File.ReadAllBytes(_path));
            if (kept is { Process.Length: > 0, FlushedBefore: >= 0 }) return (kept.Process, Math.Min(kept.FlushedBefore, Answered));
        }
        catch (JsonException)
        {
            // Damaged: as if the process were unknown and had flushed nothing.
        }

        return ("unknown", 0);
    }

    private sealed record Kept(string Process, long FlushedBefore);
}
