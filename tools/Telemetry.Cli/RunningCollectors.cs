using System.Diagnostics;
using System.Text.Json;

namespace Telemetry.Cli;

/// <summary>A collector of this user on this machine, as it describes itself in its state file.</summary>
/// <param name="Mqtt">HOST:PORT of MQTT, when on.</param>
/// <param name="Grpc">HOST:PORT of gRPC, when on.</param>
/// <param name="Http">HOST:PORT of HTTP, when on.</param>
/// <param name="Data">Its data folder.</param>
/// <param name="TokenFile">File with the operator token.</param>
/// <param name="Pid">Its process.</param>
internal sealed record RunningCollector(string? Mqtt, string? Grpc, string? Http, string Data, string TokenFile, int Pid);

/// <summary>Finds the collectors that run, so that commands need no address where there is only one.</summary>
internal static class RunningCollectors
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true };

    /// <summary>Where collectors put their state files; <c>TELEMETRY_STATE</c> overrides it.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("TELEMETRY_STATE")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "telemetry", "collectors");

    /// <summary>The collectors whose process is alive.</summary>
    public static IReadOnlyList<RunningCollector> Find()
    {
        if (!Directory.Exists(Folder)) return [];
        return [.. Directory.EnumerateFiles(Folder, "*.json").Select(TryRead).OfType<RunningCollector>().Where(IsAlive)];
    }

    // A file half written, or of another version, is as good as none.
    private static RunningCollector? TryRead(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<RunningCollector>(File.ReadAllText(file), s_json);
        }
        catch (Exception fault) when (fault is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsAlive(RunningCollector collector)
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
