using System.Net.Sockets;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>What a hostile or mistaken peer does gets a clear answer and a count; nothing else suffers.</summary>
public sealed class BadInputTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC
    private static readonly int s_seed = 20260101;

    [RealPartFact("mosquitto_pub")]
    public async Task GarbageOnEveryPort_OversizedPacket_WrongPassword_UnknownDevice_OthersAreServed()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "good");
        Random random = new(s_seed);
        foreach (int port in new[] { collector.MqttPort, collector.GrpcPort, collector.HttpPort })
        {
            for (int i = 0; i < 20; i++)
            {
                byte[] garbage = new byte[random.Next(1, 4096)];
                random.NextBytes(garbage);
                await SendAndReadToEndAsync(port, garbage);
            }
        }

        // A PUBLISH that claims 256 MiB - 1 before any CONNECT, and a CONNECT that claims the same.
        await SendAndReadToEndAsync(collector.MqttPort, [0x30, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3]);
        await SendAndReadToEndAsync(collector.MqttPort, [0x10, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3]);

        string file = collector["good.batch"];
        await File.WriteAllBytesAsync(file, PeerBatches.HeartRates(0xABCD, 1, Noon, 60, 61));
        Assert.NotEqual(0, (await PublishAsync(collector, "acme/good", "not-the-secret", "t1/acme/good/up", file)).ExitCode);
        Assert.NotEqual(0, (await PublishAsync(collector, "acme/nobody", secret, "t1/acme/nobody/up", file)).ExitCode);
        (int exit, _, string transcript) = await PublishAsync(collector, "acme/good", secret, "t1/acme/good/up", file);
        Assert.True(exit == 0, transcript);

        Assert.Equal(new double[] { 60, 61 }, await collector.SamplesAsync("acme/good", "heart_rate"));
        string metrics = await collector.MetricsAsync();
        Assert.True(CollectorProcess.Metric(metrics, "telemetry_ingest_batches_total", "outcome=\"stored\"") == 1, metrics);
        Assert.Contains("telemetry_log_flush_duration_seconds_bucket{le=\"0.001\"}", metrics, StringComparison.Ordinal);
    }

    [RealPartFact("mosquitto_pub")]
    public async Task BatchThatCannotBeUnderstood_IsKeptWithItsReason()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "odd");
        byte[] damaged = PeerBatches.HeartRates(0xABCD, 1, Noon, 60, 61);
        damaged[12] ^= 0x40;
        string file = collector["odd.batch"];
        await File.WriteAllBytesAsync(file, damaged);
        Assert.Equal(0, (await PublishAsync(collector, "acme/odd", secret, "t1/acme/odd/up", file)).ExitCode);

        string letters = await collector.TelemetryAsync("deadletters", "list", "--json");
        Assert.Contains("ChecksumMismatch", letters, StringComparison.Ordinal);
        Assert.Contains("odd", letters, StringComparison.Ordinal);

        (int exit, _, string transcript) = await collector.TryTelemetryAsync("brand", "list", "--data", collector.DataFolder);
        Assert.Equal(2, exit);
        Assert.Contains("leave --data out", transcript, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_WhatCannotWork_IsToldInOneLineWithTheOptionAtFault()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await File.WriteAllTextAsync(collector["broken.json"], "{");
        (int Exit, string Words, string[] Arguments)[] starts =
        [
            (3, "option 'http'", ["--data", collector["other"], "--mqtt", "127.0.0.1:0", "--grpc", "off", "--http", $"127.0.0.1:{collector.HttpPort}"]),
            (3, "option 'data'", ["--data", collector.DataFolder, "--mqtt", "127.0.0.1:0", "--grpc", "off", "--http", "off"]),
            (2, "Option 'config'", ["--config", collector["broken.json"]]),
        ];
        foreach ((int exit, string words, string[] arguments) in starts)
        {
            (int code, string output, string transcript) = await collector.TryTelemetryAsync(["up", .. arguments]);
            Assert.True(code == exit && output.Length == 0, transcript);
            Assert.Contains(words, Assert.Single(transcript.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ProfileWithFaults_EveryFaultIsNamedWithItsLine()
    {
        using TempFolder folder = new();
        string file = folder["bad.json"];
        await File.WriteAllTextAsync(file, """
            {
              "model": "bad",
              "version": 0,
              "signals": [
                { "id": 1, "key": "Heart Rate", "unit": "/min", "kind": "gauge", "resolution": 0, "min": 20, "max": 250, "privacy": "health", "periodMs": 1000 }
              ]
            }
            """);
        (int exit, _, string transcript) = await TelemetryAsync("profile", "check", file);
        Assert.True(exit == 1, transcript);
        Assert.Contains("version", transcript, StringComparison.Ordinal);
        Assert.Contains("Heart Rate", transcript, StringComparison.Ordinal);
        Assert.Contains("resolution", transcript, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Profile_CheckedIntoAPipe_IsPlainTextWithItsKeysWhole()
    {
        (int exit, string output, string transcript) = await TelemetryAsync("profile", "check", Path.Combine(RealParts.RepositoryRoot, "device", "samples", "Wristband", "profile.json"));
        Assert.True(exit == 0, transcript);
        Assert.Contains(" heart_rate ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Theory]
    [InlineData("Unrecognized command or argument '--nope'.\nSee: telemetry up --help", "up", "--nope")]
    [InlineData("Cannot parse argument 'x' for option '--keep-verbatim'; a number is expected.\nSee: telemetry up --help", "up", "--keep-verbatim", "x")]
    [InlineData("A command is missing; one of check, generate is expected.\nSee: telemetry profile --help", "profile")]
    [InlineData("Option '--user' is required.\nSee: telemetry erase --help", "erase", "--json")]
    [InlineData("Give either --user U or --device BRAND/DEVICE.\nSee: telemetry export --help", "export", "--json")]
    [InlineData("Give either --user U or --device BRAND/DEVICE.\nSee: telemetry samples --help", "samples", "--user", "anna", "--device", "acme/band-1")]
    public async Task CommandLine_ThatIsWrong_GetsAFaultALineAndExit2(string expected, params string[] arguments)
    {
        (int exit, string output, string transcript) = await TelemetryAsync(arguments);
        Assert.Equal((2, "", expected), (exit, output, transcript));
    }

    [Theory]
    [InlineData("registry.db", "is not a sound SQLite file")]
    [InlineData("noise.key", "a noise key has 32")]
    public async Task Up_AFileOfTheFolderIsDamaged_SaysWhichAndExitsWith3(string file, string expected)
    {
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder[file], new string('x', 4096));
        (int exit, string output, string transcript) = await TelemetryAsync("up", "--data", folder.Path, "--mqtt", "127.0.0.1:0", "--grpc", "off", "--http", "off");
        Assert.Equal((3, ""), (exit, output));
        string fault = transcript.Split('\n')[^1];
        Assert.StartsWith($"The collector could not start: {folder[file]} ", fault, StringComparison.Ordinal);
        Assert.Contains(expected, fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_TheCollectorHereHasNoHttp_SaysHowItCouldBeAsked()
    {
        using TempFolder folder = new();
        Dictionary<string, string> state = new() { ["TELEMETRY_STATE"] = folder["state"] };
        string cli = Path.Combine(AppContext.BaseDirectory, "telemetry.dll");
        await using ChildProcess collector = ChildProcess.Start("dotnet", [cli, "up", "--data", folder["data"], "--mqtt", "127.0.0.1:0", "--grpc", "off", "--http", "off"], environment: state);
        await collector.LineAsync(line => line.StartsWith("ready ", StringComparison.Ordinal));
        (int exit, _, string transcript) = await ChildProcess.RunAsync("dotnet", [cli, "device", "list"], environment: state);
        Assert.Equal((3, $"The collector over '{folder["data"]}' has no HTTP endpoint to ask. Start it with --http HOST:PORT."), (exit, transcript));
    }

    private static Task<(int ExitCode, string Output, string Transcript)> TelemetryAsync(params string[] arguments) =>
        ChildProcess.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "telemetry.dll"), .. arguments]);

    private static Task<(int ExitCode, string Output, string Transcript)> PublishAsync(CollectorProcess collector, string user, string secret, string topic, string file) =>
        ChildProcess.RunAsync(
            RealParts.PathOf("mosquitto_pub")!,
            ["-h", "127.0.0.1", "-p", $"{collector.MqttPort}", "-V", "mqttv5", "-q", "1", "-u", user, "-P", secret, "-t", topic, "-f", file]);

    // The server must close (or answer and close) by itself; an endless wait fails the test by its limit.
    private static async Task SendAndReadToEndAsync(int port, byte[] bytes)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(100));
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port, limit.Token);
        try
        {
            await socket.SendAsync(bytes, limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            byte[] sink = new byte[4096];
            while (await socket.ReceiveAsync(sink, limit.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset by the server while we were still sending: also an answer.
        }
    }
}
