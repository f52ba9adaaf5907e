using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Mqtt;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench;

/// <summary>
/// Restart to the first ack after kill -9 with a full log: a child process fills log and registry of a data folder and is killed under load; a whole collector starts over
/// it, and the time runs from the start of its process until a device that connects over MQTT has its first PUBACK. Options: <c>--bytes N</c> of log (default 1 GiB), <c>--folder DIR</c>.
/// </summary>
internal static class RestartBench
{
    private const int PayloadBytes = 300;
    private const int Devices = 10_000;
    private const string FillWord = "--fill";
    private const string FullLine = "full";
    private const uint Epoch = 0xBE9C0002, FirstEpoch = 0xBE9C0003;

    public static int Run(BenchOptions options)
    {
        if (options.Text(FillWord) is { } fill) return Fill(fill, options.Number("--bytes", 1 << 30));
        return RunAsync(options).GetAwaiter().GetResult();
    }

    private static async Task<int> RunAsync(BenchOptions options)
    {
        string folder = options.FreshFolder("restart");
        try
        {
            string[] full;
            using (Process filling = StartSelf(FillWord, folder, "--bytes", options.Number("--bytes", 1 << 30).ToString(CultureInfo.InvariantCulture)))
            {
                full = WaitForLine(filling, FullLine).Split(' ');
                filling.Kill();
                filling.WaitForExit();
            }

            long logBytes = new DirectoryInfo(LogOf(folder)).EnumerateFiles("*.seg").Sum(file => file.Length);
            (string username, string secret, uint profile) = (full[1], full[2], uint.Parse(full[3], CultureInfo.InvariantCulture));
            long started = Stopwatch.GetTimestamp();
            using CollectorProcess collector = CollectorProcess.Start(folder);
            double readySeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            using LoadClient device = new($"t1/{username}/up", profile, FirstEpoch, window: 1);
            await device.ConnectAsync(collector.MqttPort, "restart", username, secret);
            await device.PublishOneAsync();
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds, cpuSeconds = collector.CpuSeconds;
            collector.Kill();

            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(new { logBytes, firstAckSeconds = seconds, readySeconds, firstAckCpuSeconds = cpuSeconds }, JsonSerializerOptions.Web)
                : string.Create(CultureInfo.InvariantCulture, $"{logBytes:N0} bytes of log, first PUBACK {seconds:N2} s after the process was started (serving after {readySeconds:N2} s, {cpuSeconds:N2} s of CPU)"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Goes on sending after the line, so that the kill comes under load.
    private static int Fill(string folder, long bytes)
    {
        using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
        registry.PutBrand(BenchServer.Brand, "Bench");
        uint profile = registry.PutModel(BenchServer.Brand, BenchServer.Profile).Profile.Hash;
        IReadOnlyList<NewCredentials> devices = registry.AddDevices([.. Enumerable.Range(0, Devices).Select(number => new NewDevice(BenchServer.Brand, $"d{number}", "bench-1"))]);
        IngestSession[] sessions = [.. devices.Select(one => new IngestSession(
            one.Device.DeviceKey, one.Device.Description.BrandKey, BenchServer.Brand, one.Device.Description.Device, false, "bench"))];
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = LogOf(folder) });
        using IngestService ingest = IngestService.Open(log, registry);
        bool isTold = false;
        for (ulong seq = 1; ; seq++)
        {
            foreach (IngestSession session in sessions)
            {
                while (ingest.Submit(session, new ReadOnlySequence<byte>(SealedBatches.Seal(Epoch, seq, PayloadBytes, profile))) is { Outcome: IngestOutcome.Refused })
                {
                    ingest.WaitDurableAsync(log.DurablePosition, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                }
            }

            if (isTold || log.DurablePosition < bytes) continue;
            isTold = true;
            Console.WriteLine($"{FullLine} {devices[0].Username} {devices[0].Secret} {profile}");
        }
    }

    private static string LogOf(string folder) => Path.Combine(folder, "log");

    private static Process StartSelf(params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(RestartBench).Assembly.Location);
        start.ArgumentList.Add("restart");
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static string WaitForLine(Process process, string line)
    {
        while (process.StandardOutput.ReadLine() is { } read)
        {
            if (read.StartsWith(line, StringComparison.Ordinal)) return read;
        }

        throw new InvalidOperationException($"The child ended before it said '{line}'.");
    }
}
