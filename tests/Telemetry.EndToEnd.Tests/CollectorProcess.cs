using System.Text.Json;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A real <c>telemetry up</c> in its own process and folder, and the command line beside it, as an operator has them.</summary>
internal sealed class CollectorProcess : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _environment;
    private readonly string[] _options;
    private ChildProcess? _child;

    private CollectorProcess(string[] options)
    {
        _options = options;
        _environment = new() { ["TELEMETRY_STATE"] = _folder["state"] };
    }

    public string DataFolder => _folder["data"];
    public string this[string name] => _folder[name];

    // Its own from the start, so that a killed collector finds them free when it is started again.
    public int MqttPort { get; } = ChildProcess.FreePort();
    public int GrpcPort { get; } = ChildProcess.FreePort();
    public int HttpPort { get; } = ChildProcess.FreePort();

    public string OperatorToken => File.ReadAllText(Path.Combine(DataFolder, "operator.token")).Trim();
    public string Transcript => _child?.Transcript ?? "";

    /// <summary>Starts it and waits for the ready line.</summary>
    public static async Task<CollectorProcess> StartAsync(params string[] options)
    {
        CollectorProcess collector = new(options);
        try
        {
            await collector.StartAgainAsync();
            return collector;
        }
        catch
        {
            await collector.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts again over the same folder, on the same ports.</summary>
    public async Task StartAgainAsync()
    {
        string[] arguments =
        [
            Cli, "up", "--data", DataFolder, "--mqtt", $"127.0.0.1:{MqttPort}", "--grpc", $"127.0.0.1:{GrpcPort}", "--http", $"127.0.0.1:{HttpPort}", .. _options,
        ];
        _child = ChildProcess.Start("dotnet", arguments, _folder.Path, _environment);
        await _child.LineAsync(line => line.StartsWith("ready ", StringComparison.Ordinal));
    }

    /// <summary>Waits for a line of the present process, of either stream.</summary>
    public Task<string> LineAsync(Predicate<string> matches) => _child!.LineAsync(matches);

    public Task KillAsync() => _child!.KillAsync();

    public Task<int> TerminateAsync() => _child!.TerminateAsync();

    public Task<int> TerminateOverAndOverAsync() => _child!.TerminateOverAndOverAsync();

    /// <summary>Runs <c>telemetry ...</c> and expects exit 0; returns standard output.</summary>
    public async Task<string> TelemetryAsync(params string[] arguments)
    {
        (int exit, string output, string transcript) = await TryTelemetryAsync(arguments);
        Assert.True(exit == 0, $"telemetry {string.Join(' ', arguments)} ended with {exit}:\n{transcript}");
        return output;
    }

    /// <summary>Runs <c>telemetry ...</c>; returns exit code, standard output, and both streams.</summary>
    public Task<(int ExitCode, string Output, string Transcript)> TryTelemetryAsync(params string[] arguments) =>
        ChildProcess.RunAsync("dotnet", [Cli, .. arguments], _folder.Path, _environment);

    /// <summary>Registers a brand, the model "peer" and one device; returns the device's secret.</summary>
    public async Task<string> AddDeviceAsync(string brand, string device)
    {
        string profile = _folder["peer.json"];
        await File.WriteAllTextAsync(profile, PeerBatches.ProfileJson);
        await TelemetryAsync("brand", "add", brand);
        await TelemetryAsync("model", "add", brand, profile);
        using JsonDocument added = JsonDocument.Parse(await TelemetryAsync("device", "add", $"{brand}/{device}", "--model", "peer", "--json"));
        return added.RootElement.GetProperty("secret").GetString()!;
    }

    /// <summary>Values of a signal of a device, in time order, as `telemetry samples --json` tells them.</summary>
    public async Task<double[]> SamplesAsync(string device, string signal)
    {
        string output = await TelemetryAsync("samples", "--device", device, "--signal", signal, "--json");
        using JsonDocument json = JsonDocument.Parse(output);
        return [.. json.RootElement.GetProperty("samples").EnumerateArray().Select(sample => sample.GetProperty("value").GetDouble())];
    }

    /// <summary>The present scrape of <c>/metrics</c>.</summary>
    public async Task<string> MetricsAsync()
    {
        using HttpClient http = new();
        return await http.GetStringAsync(new Uri($"http://127.0.0.1:{HttpPort}/metrics"));
    }

    /// <summary>Sum of a metric's lines that carry a label.</summary>
    public static double Metric(string metrics, string name, string label = "") =>
        metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        _folder.Dispose();
    }

    private static string Cli => Path.Combine(AppContext.BaseDirectory, "telemetry.dll");
}
