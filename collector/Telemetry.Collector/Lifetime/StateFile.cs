using System.Diagnostics;
using System.Text.Json;

namespace Telemetry.Collector.Lifetime;

/// <summary>Tells the command line of the same user where a running collector listens, so that <c>--to mqtt://127.0.0.1:1883</c> is all it needs.</summary>
/// <param name="Mqtt">HOST:PORT of MQTT; null when off.</param>
/// <param name="Grpc">HOST:PORT of gRPC; null when off.</param>
/// <param name="Http">HOST:PORT of HTTP; null when off.</param>
/// <param name="Data">The data folder.</param>
/// <param name="TokenFile">File with the operator token.</param>
/// <param name="Pid">The collector's process.</param>
/// <remarks>One file a collector, <c>telemetry/collectors/{port}.json</c> under the user's local application data; removed at stop. A file whose process is gone is stale and ignored.</remarks>
public sealed record StateFile(string? Mqtt, string? Grpc, string? Http, string Data, string TokenFile, int Pid)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>Where state files stand; <c>TELEMETRY_STATE</c> overrides it.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("TELEMETRY_STATE")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "telemetry", "collectors");

    /// <summary>Writes the file whole or not at all.</summary>
    /// <returns>Its path, to remove at stop.</returns>
    public string Write(int port)
    {
        Directory.CreateDirectory(Folder);
        string file = Path.Combine(Folder, $"{port}.json");
        string fresh = $"{file}.{Pid}";
        File.WriteAllText(fresh, JsonSerializer.Serialize(this, s_json));
        File.Move(fresh, file, overwrite: true);
        return file;
    }

    /// <summary>The collectors of this user whose process is alive.</summary>
    public static IReadOnlyList<StateFile> FindRunning() =>
        Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder, "*.json").Select(TryRead).OfType<StateFile>().Where(IsAlive)] : [];

    // A file half written, or of another version, is as good as none.
    private static StateFile? TryRead(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<StateFile>(File.ReadAllText(file), s_json);
        }
        catch (Exception fault) when (fault is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsAlive(StateFile collector)
    {
        try
        {
            using Process process = Process.GetProcessById(collector.Pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
