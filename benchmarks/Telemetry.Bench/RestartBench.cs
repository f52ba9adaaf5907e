using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench;

/// <summary>
/// Restart to the first ack after kill -9 with a full log: a child process fills the log and is killed under load; another one starts,
/// and the time runs from its start to its first durable batch. Options: <c>--bytes N</c> of log (default 1 GiB), <c>--folder DIR</c>.
/// </summary>
internal static class RestartBench
{
    private const int PayloadBytes = 300;
    private const int Devices = 10_000;
    private const string FillWord = "--fill";
    private const string ServeWord = "--serve";
    private const string FullLine = "full";
    private const string AckedLine = "acked";
    private const uint Epoch = 0xBE9C0002;

    public static int Run(BenchOptions options)
    {
        if (options.Text(FillWord) is { } fill) return Fill(fill, options.Number("--bytes", 1 << 30));
        if (options.Text(ServeWord) is { } serve) return Serve(serve);

        string folder = options.FreshFolder("restart");
        try
        {
            string bytes = options.Number("--bytes", 1 << 30).ToString(CultureInfo.InvariantCulture);
            using (Process filling = StartSelf(FillWord, folder, "--bytes", bytes))
            {
                WaitForLine(filling, FullLine);
                filling.Kill();
                filling.WaitForExit();
            }

            long logBytes = new DirectoryInfo(folder).EnumerateFiles("*.seg").Sum(file => file.Length);
            long started = Stopwatch.GetTimestamp();
            using Process serving = StartSelf(ServeWord, folder);
            double cpuSeconds = double.Parse(WaitForLine(serving, AckedLine).AsSpan(AckedLine.Length), CultureInfo.InvariantCulture);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            serving.Kill();
            serving.WaitForExit();

            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(new { logBytes, firstAckSeconds = seconds, firstAckCpuSeconds = cpuSeconds }, JsonSerializerOptions.Web)
                : $"{logBytes:N0} bytes of log, first ack {seconds:N2} s after the process was started ({cpuSeconds:N2} s of CPU)");
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
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder });
        using IngestService ingest = new(log, new OpenDirectory());
        bool isTold = false;
        for (ulong seq = 1; ; seq++)
        {
            for (uint device = 1; device <= Devices; device++)
            {
                IngestSession session = new(device, 1, "bench", "d", false, "bench");
                while (ingest.Submit(session, new ReadOnlySequence<byte>(SealedBatches.Seal(Epoch, seq, PayloadBytes))) is { Outcome: IngestOutcome.Refused })
                {
                    ingest.WaitDurableAsync(log.DurablePosition, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                }
            }

            if (isTold || log.DurablePosition < bytes) continue;
            isTold = true;
            Console.WriteLine(FullLine);
        }
    }

    private static int Serve(string folder)
    {
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder });
        using IngestService ingest = new(log, new OpenDirectory());
        IngestTicket ticket = ingest.Submit(new IngestSession(Devices + 1, 1, "bench", "d", false, "bench"), new ReadOnlySequence<byte>(SealedBatches.Seal(Epoch, 1, PayloadBytes)));
        if (!ingest.WaitDurableAsync(ticket.Position, CancellationToken.None).AsTask().GetAwaiter().GetResult()) return 1;
        Console.WriteLine($"{AckedLine} {Environment.CpuUsage.TotalTime.TotalSeconds.ToString(CultureInfo.InvariantCulture)}");
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

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
