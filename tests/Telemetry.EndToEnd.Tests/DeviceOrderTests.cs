using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Simulator.Devices;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;
using ICommandHandler = Telemetry.Device.ICommandHandler;

namespace Telemetry.EndToEnd.Tests;

/// <summary>What an operator orders reaches the SDK on a device, over both versions of MQTT, and outlives the collector.</summary>
public sealed class DeviceOrderTests
{
    private const int Level = 1, Noise = 3;

    private const string Json =
        """
        {"model": "meter", "version": 1, "signals": [
          {"id": 1, "key": "level", "unit": "1", "kind": "gauge", "resolution": 1, "min": 0, "max": 1000, "privacy": "ambient", "periodMs": 1000, "minIntervalMs": 500},
          {"id": 2, "key": "answer", "unit": "1", "kind": "event", "resolution": 1, "min": 0, "max": 3, "privacy": "activity"},
          {"id": 3, "key": "noise", "unit": "1", "kind": "gauge", "resolution": 1, "min": 0, "max": 65535, "privacy": "device", "periodMs": 2000}]}
        """;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(100);

    [Fact]
    public async Task Order_BeforeTheCollectorIsKilled_IsObeyedAndConfirmedAfterwards()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await AddDeviceAsync(collector);
        StandingOrders given = await OrdersAsync(collector, "order", "--rate", "level=10s", "--upload-every", "1s");
        Assert.Equal((10_000, 1, 0), (given.LevelMs, given.IntervalS, given.ConfirmedUnixMs));
        string asked = await collector.TelemetryAsync(
            "scenarios", "ask", "--device", "acme/m1", "--from", "2026-01-31T12:00:00Z", "--to", "2026-01-31T12:30:00Z", "--choices", "run", "walk", "--json");
        await collector.KillAsync();
        await collector.StartAgainAsync();

        await using GrpcCommands caller = await GrpcCommands.OpenAsync(collector.GrpcPort, secret);
        Command standing = await caller.NextAsync();
        Assert.Equal(10_000u, Assert.Single(standing.CaptureRates).PeriodMs);
        Assert.Equal(["run", "walk"], standing.Question.Answers);
        using Meter five = new(collector.MqttPort, secret, version: 5);
        Assert.InRange(five.SamplesKeptOf(seconds: 100), 10, 12);
        Assert.Equal([(Level, 10_000)], five.Firmware.Rates);
        using JsonDocument question = JsonDocument.Parse(asked);
        Assert.Equal([$"{question.RootElement.GetProperty("id").GetInt32()} 2026-01-31 12:00-12:30: what was it? run/walk"], five.Firmware.Questions);
        Assert.True((await OrdersAsync(collector, "orders")).ConfirmedUnixMs > 0);

        // Connected: it hears of a change at once.
        await OrdersAsync(collector, "order", "--rate", "level=usual");
        Assert.Empty((await caller.NextAsync()).CaptureRates);
        five.Turn(() => five.Firmware.Rates.Count == 2);
        Assert.Equal((Level, -1), five.Firmware.Rates[1]);
        Assert.Equal(100, five.SamplesKeptOf(seconds: 100));
        five.Dispose();

        await OrdersAsync(collector, "order", "--rate", "level=20s");
        using Meter four = new(collector.MqttPort, secret, version: 4);
        Assert.InRange(four.SamplesKeptOf(seconds: 100), 5, 6);
        Assert.True((await OrdersAsync(collector, "orders")).ConfirmedUnixMs > 0);

        // The user takes back their consent: capture stops at the source, and begins again with the next yes.
        await collector.TelemetryAsync("consent", "withdraw", "--user", "u1", "--purpose", "insights");
        four.Turn(() => four.Firmware.Rates.Contains((Level, 0)));
        Assert.Equal(0, four.SamplesKeptOf(seconds: 100));
        Assert.Contains("not captured", await collector.TelemetryAsync("device", "orders", "acme/m1"), StringComparison.Ordinal);
        await collector.TelemetryAsync("consent", "grant", "--user", "u1", "--purpose", "insights");
        four.Turn(() => four.Firmware.Rates.Count(rate => rate == (Level, 20_000)) == 2);
        Assert.InRange(four.SamplesKeptOf(seconds: 100), 5, 6);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Order_MaxBatchBytes_IsObeyedAndConfirmedUntilItIsTakenBack(int version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await AddDeviceAsync(collector);
        using Meter meter = new(collector.MqttPort, secret, version);
        (long batches, long bytes) = meter.BatchesOf(seconds: 200);
        Assert.Equal(1, batches);
        long limit = bytes * 3 / 4;
        Assert.InRange(limit, 256, 262_144);
        using (JsonDocument given = JsonDocument.Parse(await collector.TelemetryAsync("device", "order", "acme/m1", "--max-batch-bytes", $"{limit}", "--json")))
            Assert.Equal(limit, given.RootElement.GetProperty("batch").GetProperty("maxBytes").GetInt64());
        meter.Turn(() => meter.Commands == 2);
        (batches, bytes) = meter.BatchesOf(seconds: 200);
        Assert.True(batches > 1);
        Assert.InRange(bytes, 1, limit * batches);
        Assert.True((await OrdersAsync(collector, "orders")).ConfirmedUnixMs > 0);
        Assert.Contains($"at most {limit:n0} B", await collector.TelemetryAsync("device", "orders", "acme/m1"), StringComparison.Ordinal);

        await OrdersAsync(collector, "order", "--max-batch-bytes", "usual");
        meter.Turn(() => meter.Commands == 3);
        Assert.Equal(1, meter.BatchesOf(seconds: 200).Batches);
    }

    [Fact]
    public async Task Order_OfMoreThanADeviceReads_IsToldAsFarAsItGoesAndConfirmedOnlyWhole()
    {
        const int Signals = 60;
        string[] keys = [.. Enumerable.Range(1, Signals).Select(id => $"s{id}")];
        string json = $$"""{"model": "meter", "version": 1, "signals": [{{string.Join(", ", keys.Select((key, at) =>
            $$"""{"id": {{at + 1}}, "key": "{{key}}", "unit": "1", "kind": "gauge", "resolution": 1, "min": 0, "max": 1000, "privacy": "device", "periodMs": 1000}"""))}}]}""";
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await AddDeviceAsync(collector, json);
        using (Meter old = new(collector.MqttPort, secret, version: 4, json)) Assert.True(old.IsDrained); // was there before
        await OrdersAsync(collector, ["order", "--rate", .. keys.Select(key => $"{key}=60s")]);
        using (Meter old = new(collector.MqttPort, secret, version: 4, json))
        {
            Assert.InRange(old.Firmware.Rates.Count, 20, Signals - 1);
            Assert.Equal((0, 1), (old.SkippedCommands, old.Commands));
        }

        Assert.Equal(0, (await OrdersAsync(collector, "orders")).ConfirmedUnixMs);
        Assert.Contains("the last capture rates are not", (await collector.TryTelemetryAsync("device", "check", "acme/m1")).Transcript.Replace("\n", " ", StringComparison.Ordinal), StringComparison.Ordinal);

        using (Meter small = new(collector.MqttPort, secret, version: 5, json)) Assert.InRange(small.Firmware.Rates.Count, 20, Signals - 1);
        using Meter large = new(collector.MqttPort, secret, version: 5, json, commandBytes: 1024);
        Assert.Equal(Signals, large.Firmware.Rates.Count);
        Assert.True((await OrdersAsync(collector, "orders")).ConfirmedUnixMs > 0);
    }

    [Fact]
    public async Task Order_OfWhatTheModelDoesNotHave_IsRefusedWithExit2()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await AddDeviceAsync(collector);
        await RefusedAsync("no signal \"speed\"; one of level, answer, noise", "acme/m1", "--rate", "speed=1s");
        await RefusedAsync("500..86400000 ms", "acme/m1", "--rate", "level=100ms");
        await RefusedAsync("two times of the day", "acme/m1", "--upload-window", "2-5");
        await RefusedAsync("256..262144 B", "acme/m1", "--max-batch-bytes", "100");
        await RefusedAsync("a number of bytes or 'usual'", "acme/m1", "--max-batch-bytes", "1k");
        await RefusedAsync("Nothing is ordered", "acme/m1");
        await RefusedAsync("no device \"acme/m2\"", "acme/m2", "--rate", "level=1s");

        async Task RefusedAsync(string expected, params string[] arguments)
        {
            (int exit, _, string transcript) = await collector.TryTelemetryAsync(["device", "order", .. arguments]);
            Assert.Contains(expected, transcript, StringComparison.Ordinal);
            Assert.Equal(2, exit);
        }
    }

    private static async Task<string> AddDeviceAsync(CollectorProcess collector, string json = Json)
    {
        await File.WriteAllTextAsync(collector["meter.json"], json);
        await collector.TelemetryAsync("brand", "add", "acme");
        await collector.TelemetryAsync("model", "add", "acme", collector["meter.json"]);
        await collector.TelemetryAsync("user", "add", "u1");
        using JsonDocument added = JsonDocument.Parse(await collector.TelemetryAsync("device", "add", "acme/m1", "--model", "meter", "--json"));
        await collector.TelemetryAsync("device", "bind", "acme/m1", "--user", "u1", "--from", "0");
        return added.RootElement.GetProperty("secret").GetString()!;
    }

    private static async Task<StandingOrders> OrdersAsync(CollectorProcess collector, params string[] arguments)
    {
        using JsonDocument json = JsonDocument.Parse(await collector.TelemetryAsync(["device", arguments[0], "acme/m1", .. arguments[1..], "--json"]));
        JsonElement orders = json.RootElement, rates = orders.GetProperty("rates");
        return new StandingOrders(
            rates.GetArrayLength() == 0 ? -1 : rates[0].GetProperty("periodMs").GetInt32(),
            orders.TryGetProperty("upload", out JsonElement upload) ? upload.GetProperty("intervalS").GetInt32() : -1,
            long.Parse(orders.GetProperty("confirmedUnixMs").GetString()!));
    }

    private sealed record StandingOrders(int LevelMs, int IntervalS, long ConfirmedUnixMs);

    /// <summary>A device with the SDK's client: its own clock is virtual, its link and the link's clock are real.</summary>
    private sealed class Meter : IDisposable
    {
        private readonly ManualClock _clock = new(0);
        private readonly SocketTransport _link = new();
        private readonly TelemetryClient _client;
        private bool _isStopped;

        public Meter(int port, string secret, int version, string json = Json, int commandBytes = 320)
        {
            _client = new TelemetryClient(new TelemetryOptions
            {
                Brand = "acme", Device = "m1", Secret = secret, Host = "127.0.0.1", Port = port, ProtocolVersion = version, Clock = _clock, LinkClock = new SystemClock(trustsWall: false),
                Flash = new MemoryFlash(256, 4096, 32), CommandBytes = commandBytes, Transport = _link, CommandHandler = Firmware,
                Profile = new FirmwareTables(ProfileReader.Read(Encoding.UTF8.GetBytes(json)).Profile!).ToProfile(), Seed = version,
            });
            Turn(() => _client.ReadCounters().Commands > 0);
        }

        public Firmware Firmware { get; } = new();

        /// <summary>Takes one sample a second of its own clock; returns how many the SDK keeps.</summary>
        public long SamplesKeptOf(int seconds)
        {
            long before = Kept();
            for (int second = 0; second < seconds; second++)
            {
                _clock.Advance(1000);
                _client.Record(Level, second);
            }

            _client.UploadNow();
            Turn(() => _client.IsDrained);
            return Kept() - before;
        }

        public bool IsDrained => _client.IsDrained;

        public long SkippedCommands => _client.ReadCounters().SkippedCommands;

        public long Commands => _client.ReadCounters().Commands;

        /// <summary>Takes a level each second and a noise each other second, which no row can hold together.</summary>
        /// <returns>The batches they make, and their bytes.</returns>
        public (long Batches, long Bytes) BatchesOf(int seconds)
        {
            TelemetryCounters before = _client.ReadCounters();
            for (int second = 0; second < seconds; second++)
            {
                _clock.Advance(1000);
                _client.Record(Level, second * 7919 % 1000);
                if (second % 2 == 0) _client.Record(Noise, second * 40_503 % 65_536);
            }

            _client.UploadNow();
            Turn(() => _client.IsDrained);
            TelemetryCounters after = _client.ReadCounters();
            return (after.SealedBatches - before.SealedBatches, after.SealedBytes - before.SealedBytes);
        }

        public void Turn(Func<bool> until)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!until())
            {
                _client.Step();
                Assert.True(watch.Elapsed < s_limit, "the device is not there in time");
                Thread.Yield();
            }
        }

        public void Dispose()
        {
            if (_isStopped) return;
            _isStopped = true;
            _client.Stop();
            _link.Close();
        }

        private long Kept()
        {
            TelemetryCounters counters = _client.ReadCounters();
            return counters.Recorded - counters.DroppedTotal;
        }
    }

    /// <summary>The device's Commands as a caller of gRPC reads them.</summary>
    private sealed class GrpcCommands(HttpClient http, HttpResponseMessage answer, Stream stream) : IAsyncDisposable
    {
        public static async Task<GrpcCommands> OpenAsync(int port, string secret)
        {
            HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = s_limit };
            HttpRequestMessage request = new(HttpMethod.Post, "telemetry.v1.Ingest/Commands")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new("application/grpc") } }, // an empty CommandsRequest
            };
            request.Headers.TE.Add(new("trailers"));
            request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"acme/m1:{secret}")));
            HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return new GrpcCommands(http, answer, await answer.Content.ReadAsStreamAsync());
        }

        /// <summary>The next message: a byte of flags, four of length, the Command.</summary>
        public async Task<Command> NextAsync()
        {
            byte[] head = new byte[5];
            await stream.ReadExactlyAsync(head).AsTask().WaitAsync(s_limit);
            byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1))];
            await stream.ReadExactlyAsync(message).AsTask().WaitAsync(s_limit);
            return Command.Parser.ParseFrom(message);
        }

        public async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            answer.Dispose();
            http.Dispose();
        }
    }

    private sealed class Firmware : ICommandHandler
    {
        public List<(int Signal, int PeriodMs)> Rates { get; } = [];

        public List<string> Questions { get; } = [];

        public void OnCaptureRate(int signal, int periodMs) => Rates.Add((signal, periodMs));

        public void OnQuestion(int id, string text, string[] answers, int answerSignal)
        {
            Assert.Equal(2, answerSignal);
            Questions.Add($"{id} {text} {string.Join('/', answers)}");
        }

        public void OnErased()
        {
            // Nobody is erased here.
        }
    }
}
