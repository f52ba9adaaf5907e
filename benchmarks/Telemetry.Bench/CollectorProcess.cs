using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Telemetry.Collector;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Options;

namespace Telemetry.Bench;

/// <summary>A whole collector (what <c>telemetry up</c> runs) in a process of its own over a folder that the benchmark prepared, on free ports of the loopback.</summary>
internal sealed class CollectorProcess : IDisposable
{
    /// <summary>The verb of the child: <c>collector FOLDER [--influx URL]</c>.</summary>
    public const string Name = "collector";

    private readonly Process _process;
    private readonly HttpClient _http;

    private CollectorProcess(Process process, string ready, string folder)
    {
        _process = process;
        (MqttPort, GrpcPort) = (PortOf(ready, "mqtt="), PortOf(ready, "grpc="));
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{PortOf(ready, "http=")}") };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(DataFolder.TokenFileOf(folder)).Trim());
    }

    public int MqttPort { get; }

    public int GrpcPort { get; }

    /// <summary>User and system CPU seconds so far.</summary>
    public double CpuSeconds => ProcFigures.CpuSeconds(_process.Id);

    /// <summary>Resident bytes now.</summary>
    public long RssBytes => ProcFigures.RssBytes(_process.Id);

    /// <summary>The child's side: serves until its standard input ends, then drains.</summary>
    public static int Run(BenchOptions options) => ServeAsync(options).GetAwaiter().GetResult();

    /// <summary>Starts a collector and waits until it serves.</summary>
    public static CollectorProcess Start(string folder, Uri? influx = null)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(CollectorProcess).Assembly.Location);
        foreach (string argument in (string[])[Name, folder, .. influx is null ? (string[])[] : ["--influx", influx.ToString()]]) start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        Leftovers.Add(() => KillIfRunning(process));
        string ready = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The collector ended before it was ready.");
        return new CollectorProcess(process, ready, folder);
    }

    /// <summary>Batches by outcome, the log's durable end, and the least position of its consumers.</summary>
    public async Task<CollectorFigures> StatusAsync()
    {
        using JsonDocument status = JsonDocument.Parse(await _http.GetStringAsync(new Uri("/v1/status", UriKind.Relative)));
        JsonElement root = status.RootElement, batches = root.GetProperty("batches");
        return new CollectorFigures(
            root.GetProperty("durablePosition").GetInt64(),
            root.GetProperty("consumers").EnumerateArray().Min(consumer => consumer.GetProperty("position").GetInt64()),
            batches.GetProperty("received").GetInt64(), batches.GetProperty("stored").GetInt64(), batches.GetProperty("duplicate").GetInt64(),
            batches.GetProperty("deadLettered").GetInt64(), batches.GetProperty("refused").GetInt64());
    }

    /// <summary>Waits until every consumer has done all of the log.</summary>
    public async Task<CollectorFigures> CaughtUpAsync()
    {
        CollectorFigures figures = await StatusAsync();
        while (figures.ConsumedPosition < figures.DurablePosition)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            figures = await StatusAsync();
        }

        return figures;
    }

    /// <summary>Waits until nothing is left to compile: a second in which it uses less than a twentieth of a core, or 20 s of more.</summary>
    public async Task IdleAsync()
    {
        double before = double.MinValue;
        for (int second = 0; second < 20 && CpuSeconds - before > 0.05; second++)
        {
            before = CpuSeconds;
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }
    }

    /// <summary>The present scrape of <c>/metrics</c>.</summary>
    public Task<string> MetricsAsync() => _http.GetStringAsync(new Uri("/metrics", UriKind.Relative));

    /// <summary>Ends it as a power cut would.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(TimeSpan.FromSeconds(60))) _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static void KillIfRunning(Process process)
    {
        try
        {
            process.Kill();
            process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // Disposed, which waits for its end.
        }
    }

    private static async Task<int> ServeAsync(BenchOptions options)
    {
        CollectorOptions collector = CollectorOptions.OnFreePorts(options.Rest[0]);
        if (options.Text("--influx") is { } url) collector = collector with { Influx = new InfluxTarget { Url = new Uri(url) } };
        await using CollectorHost host = await CollectorHost.StartAsync(collector);
        Console.WriteLine(host.ReadyLine);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    private static int PortOf(string ready, string key)
    {
        string address = ready.Split(' ').Single(part => part.StartsWith(key, StringComparison.Ordinal));
        return int.Parse(address.AsSpan(address.LastIndexOf(':') + 1), System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>What <c>/v1/status</c> says.</summary>
internal readonly record struct CollectorFigures(
    long DurablePosition, long ConsumedPosition, long Received, long Stored, long Duplicate, long DeadLettered, long Refused);
