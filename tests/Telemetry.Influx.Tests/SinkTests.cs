using System.Net;
using System.Text.Json;
using Telemetry.Log;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Influx.Tests;

/// <summary>The sink over a real log, against a server that answers as scripted.</summary>
public sealed class SinkTests : IDisposable
{
    private readonly TestLog _log = new();
    private readonly ScriptedServer _server = new();

    public void Dispose()
    {
        _server.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Batches_PerSignal_BecomeOneLineASample()
    {
        await _log.AppendAsync(1, 1, TestLog.Block(5000, 1000, (1, [61, 62]), (2, [3675, -5])));
        await DrainAsync(Options());
        Assert.Equal(
            [
                "heart_rate,brand=acme,device=d1,model=band-2 value=61 1700000005000000000",
                "heart_rate,brand=acme,device=d1,model=band-2 value=62 1700000006000000000",
                "temperature,brand=acme,device=d1,model=band-2 value=36.75 1700000005000000000",
                "temperature,brand=acme,device=d1,model=band-2 value=-0.05 1700000006000000000",
            ],
            _server.Taken);
        ScriptedRequest request = Assert.Single(_server.Requests);
        Assert.Equal("/write?db=telemetry&precision=ns", request.Path);
        Assert.False(request.IsGzip);
    }

    [Fact]
    public async Task Batches_PerModelInMilliseconds_BecomeOneLineARow()
    {
        PlainBlock block = TestLog.Block(5000, 1000, (1, [61, 62]), (2, [3675, -5]));
        block.Columns.Add(new PlainColumn { Signal = 3, Reals = { 0.1, double.NaN } });
        block.Quality = Google.Protobuf.ByteString.CopyFrom(1, 3);
        await _log.AppendAsync(1, 1, block);
        InfluxOptions options = Options();
        (options.Schema, options.Precision, options.WriteQuality, options.DeviceHashKey) = (InfluxSchema.MeasurementPerModel, InfluxPrecision.Milliseconds, true, "k");
        SinkRun run = new(_log, options, handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal(2, _server.Taken.Count);
        Assert.Matches("^band-2,brand=acme,device=[0-9a-f]{16} heart_rate=61,temperature=36.75,motion=0.1,quality=1i 1700000005000$", _server.Taken[0]);
        Assert.EndsWith(" heart_rate=62,temperature=-0.05,quality=3i 1700000006000", _server.Taken[1], StringComparison.Ordinal);
        Assert.Equal(1, run.Sink.Metrics.Unwritable);
    }

    [Fact]
    public async Task V2_WithTokenFile_CallsItsPathWithGzip()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["token"], " secret-token\n");
        InfluxOptions options = Options();
        (options.TokenFile, options.Organization, options.Bucket, options.Gzip) = (folder["token"], "my org", "b", true);
        await DrainAsync(options);
        ScriptedRequest request = Assert.Single(_server.Requests);
        Assert.Equal("/api/v2/write?org=my%20org&bucket=b&precision=ns", request.Path);
        Assert.Equal("Token secret-token", request.Authorization);
        Assert.True(request.IsGzip);
    }

    [Theory]
    [InlineData("http://u:p@h:1/series", "/series/")]
    [InlineData("http://h:1/a%20b/c/", "/a%20b/c/")]
    public async Task Address_WithThePathOfAProxy_KeepsIt(string url, string path)
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        InfluxOptions options = Options();
        options.Url = new Uri(url);
        await DrainAsync(options);
        Assert.Equal([path + "metrics", path + "debug/vars"], _server.Pages);
        Assert.Equal(path + "write?db=telemetry&precision=ns", Assert.Single(_server.Requests).Path);
    }

    [Theory]
    [InlineData(InfluxApi.V1, "user:päss: word", "Basic dXNlcjpww6Rzczogd29yZA==")]
    [InlineData(InfluxApi.V1, "a.json.web-token", "Bearer a.json.web-token")]
    [InlineData(InfluxApi.V3, "apiv3_token", "Bearer apiv3_token")]
    public async Task TokenFile_OfEachApi_IsSentAsItsServerReadsIt(InfluxApi api, string content, string authorization)
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["token"], content + "\n");
        InfluxOptions options = Options();
        (options.TokenFile, options.Api) = (folder["token"], api);
        await DrainAsync(options);
        Assert.Equal(authorization, Assert.Single(_server.Requests).Authorization);
    }

    [Fact]
    public async Task SamplesOfOneMillisecond_StayApartByNanoseconds()
    {
        await _log.AppendAsync(1, 1, TestLog.Block(5000, 0, (1, [61, 62, 63])));
        await DrainAsync(Options());
        Assert.Equal(["1700000005000000000", "1700000005000000001", "1700000005000000002"], _server.Taken.Select(line => line.Split(' ')[^1]));
    }

    // A device that records faster than once a millisecond fills block after block within it; a request may end anywhere.
    [Theory]
    [InlineData(InfluxSchema.MeasurementPerSignal, 5_000)]
    [InlineData(InfluxSchema.MeasurementPerSignal, 2)]
    [InlineData(InfluxSchema.MeasurementPerModel, 2)]
    public async Task SamplesOfOneMillisecond_InSeveralBlocks_StayApart(InfluxSchema schema, int linesPerRequest)
    {
        await _log.AppendAsync(1, 1,
            TestLog.Block(5000, 0, (1, [61, 62, 63])), TestLog.Block(5000, 0, (1, [64, 65])), TestLog.Block(5000, 0, (2, [1, 2])), TestLog.Block(5000, 1, (1, [66, 67])));
        InfluxOptions options = Options();
        (options.Schema, options.MaxLinesPerRequest) = (schema, linesPerRequest);
        await DrainAsync(options);
        Assert.Equal(
            ["61 1700000005000000000", "62 1700000005000000001", "63 1700000005000000002", "64 1700000005000000003", "65 1700000005000000004", "66 1700000005000000005", "67 1700000005001000000"],
            _server.Taken.Where(line => line.Contains("heart_rate", StringComparison.Ordinal)).Select(line => line.Split('=')[^1]));
        Assert.Equal(["1700000005000000000", "1700000005000000001"], _server.Taken.Where(line => line.Contains("temperature", StringComparison.Ordinal)).Select(line => line.Split(' ')[^1]));
    }

    // A real-time clock that fell back to 1970, and one that is far ahead: InfluxDB knows 1677 to 2262.
    [Theory]
    [InlineData(1_000, new[] { "-4000000000", "-3000000000" }, 0)]
    [InlineData(9_223_372_041_853, new[] { "9223372036853000000" }, 1)]
    [InlineData(32_503_680_000_000, new string[0], 2)]
    public async Task Samples_OfAnOddClock_KeepTheirTimesOrAreCounted(long wallUnixMs, string[] stamps, long unwritable)
    {
        Clock clock = new() { WallUnixMs = (ulong)wallUnixMs, UptimeMs = 10_000, Source = ClockSource.Rtc };
        await _log.AppendAsync(1, 1, clock, [TestLog.HeartRates(5_000, 61, 62)]);
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal(stamps, _server.Taken.Select(line => line.Split(' ')[^1]));
        Assert.Equal(unwritable, run.Sink.Metrics.Unwritable);
    }

    [Fact]
    public async Task Requests_HoldNoMoreLinesThanTheirBound()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, [.. Enumerable.Range(0, 25).Select(i => 60L + i)]));
        InfluxOptions options = Options();
        options.MaxLinesPerRequest = 10;
        await DrainAsync(options);
        Assert.Equal([10, 10, 5], _server.Requests.Select(request => request.Lines.Length));
    }

    [Fact]
    public async Task Cursor_MovesOnlyAfterTheServerTookTheLines()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.ServiceUnavailable);
        ManualTime time = new();
        await using (SinkRun run = new(_log, Options(), time, _server))
        {
            await _server.UntilAsync(server => server.Requests.Count == 1);
            Assert.Equal(_log.Log.BytesBehind(0), run.Sink.LagBytes);
            _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.NoContent);
            await time.TimerAsync(delay => delay <= Options().FirstRetryDelay);
            time.Advance(TimeSpan.FromSeconds(1));
            await _server.UntilAsync(server => server.Taken.Count == 1);
        }

        Assert.Single(_server.Taken);
        Assert.Equal(_log.Log.DurablePosition, _log.Log.OpenCursor("influx").Position);
    }

    [Fact]
    public async Task Restart_GoesOnAtItsCursor()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        await DrainAsync(Options());
        _log.Reopen();
        await _log.AppendAsync(1, 2, TestLog.HeartRates(1000, 61));
        await DrainAsync(Options());
        Assert.Equal(["60", "61"], _server.Taken.Select(Value));
    }

    [Fact]
    public async Task ServerBusy_RetryAfterIsHonoured()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        ManualTime time = new();
        _server.Answer = _ =>
        {
            HttpResponseMessage busy = ScriptedServer.Reply(HttpStatusCode.TooManyRequests);
            busy.Headers.Add("Retry-After", "17");
            return busy;
        };
        await using SinkRun run = new(_log, Options(), time, _server);
        await time.TimerAsync(TimeSpan.FromSeconds(17));
        _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.NoContent);
        time.Advance(TimeSpan.FromSeconds(16.9));
        Assert.Single(_server.Requests);
        time.Advance(TimeSpan.FromSeconds(0.1));
        await _server.UntilAsync(server => server.Taken.Count == 1);
    }

    [Fact]
    public async Task SixHoursOutage_LosesNothingAndAsksSeldom()
    {
        ManualTime time = new();
        _server.Answer = _ => throw new HttpRequestException("connection refused");
        await using SinkRun run = new(_log, Options(), time, _server);
        for (int minute = 0; minute < 360; minute++)
        {
            await _log.AppendAsync(1, (ulong)minute + 1, TestLog.HeartRates(minute * 60_000, minute));
            await time.AnyTimerAsync();
            time.Advance(TimeSpan.FromMinutes(1));
        }

        // The pause is at most a minute, so that it is at least one request in two of these minutes.
        Assert.InRange(_server.Requests.Count, 180, 800);
        _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.NoContent);
        await time.AnyTimerAsync();
        time.Advance(TimeSpan.FromMinutes(1));
        await _server.UntilAsync(server => server.Taken.Count == 360);
        Assert.Equal(Enumerable.Range(0, 360).Select(minute => minute.ToString()), _server.Taken.Select(Value));
    }

    [Fact]
    public async Task RequestTooLarge_IsSplitUntilItFits()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, [.. Enumerable.Range(0, 100).Select(i => 60L + i)]));
        _server.Answer = request => ScriptedServer.Reply(request.Lines.Length > 30 ? HttpStatusCode.RequestEntityTooLarge : HttpStatusCode.NoContent);
        await DrainAsync(Options());
        Assert.Equal(Enumerable.Range(60, 100).Select(i => i.ToString()), _server.Taken.Select(Value));
    }

    [Fact]
    public async Task OneLineInAThousandRefused_IsSetAsideWithTheServersWords()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, [.. Enumerable.Range(0, 3000).Select(i => (long)i)]));
        _server.Answer = request => request.Lines.Any(line => Value(line).EndsWith("999", StringComparison.Ordinal))
            ? ScriptedServer.Reply(HttpStatusCode.BadRequest, """{"error":"partial write: no such luck dropped=1"}""")
            : ScriptedServer.Reply(HttpStatusCode.NoContent);
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();

        Assert.Equal(Enumerable.Range(0, 3000).Where(i => i % 1000 != 999).Select(i => i.ToString()), _server.Taken.Select(Value));
        Assert.Equal(3, run.Sink.Metrics.RefusedLines);
        Assert.InRange(_server.Requests.Count, 3, 3 * 2 * 12);
        JsonElement[] refused = [.. (await File.ReadAllLinesAsync(Path.Combine(_log.RefusedFolder, "influx-refused.jsonl"))).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["999", "1999", "2999"], refused.Select(line => Value(line.GetProperty("line").GetString()!)));
        Assert.All(refused, line => Assert.Contains("no such luck", line.GetProperty("reason").GetString(), StringComparison.Ordinal));
        Assert.All(refused, line => Assert.Equal(400, line.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task DatabaseMissing_IsCreated()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        bool created = false;
        _server.Answer = request =>
        {
            created |= request.Path == "/query" && request.Body == "q=CREATE+DATABASE+%22telemetry%22";
            return created ? ScriptedServer.Yes(request) : ScriptedServer.Reply(HttpStatusCode.NotFound, """{"error":"database not found: \"telemetry\""}""");
        };
        await DrainAsync(Options());
        Assert.Single(_server.Taken);
    }

    [Fact]
    public async Task UnknownProfileDeadLetterAndGarbage_ArePassedOver()
    {
        await _log.AppendAsync(1, 1, TestLog.Clock(0), [TestLog.HeartRates(0, 60)], profile: 99);
        await _log.AppendBytesAsync(1, [1, 2, 3], TestLog.BootUnixMs, LogRecordKind.DeadLetter);
        await _log.AppendBytesAsync(1, [1, 2, 3], TestLog.BootUnixMs);
        await _log.AppendAsync(1, 2, TestLog.HeartRates(1000, 61));
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal(["61"], _server.Taken.Select(Value));
        Assert.Equal(2, run.Sink.Metrics.SkippedBatches);
        Assert.Equal(_log.Log.DurablePosition, _log.Log.OpenCursor("influx").Position);
    }

    [Fact]
    public async Task ClockNotSet_LaterReadingOfTheBoot_PlacesIt()
    {
        await _log.AppendAsync(1, 1, NoClock(10_000), [TestLog.HeartRates(5000, 60)]);
        await _log.AppendAsync(2, 1, TestLog.HeartRates(0, 70));
        await _log.AppendAsync(1, 2, TestLog.HeartRates(6000, 61));
        await DrainAsync(Options());
        Assert.Equal([("70", 0L), ("60", 5000L), ("61", 6000L)], _server.Taken.Select(line => (Value(line), UptimeOf(line))));
    }

    [Theory]
    [InlineData(2u, 0L)]
    [InlineData(1u, 3_600_001L)]
    public async Task ClockNotSet_NextBootOrAnHourLater_IsPlacedByReceiveTime(uint nextBoot, long nextAfterMs)
    {
        await _log.AppendAsync(1, 1, NoClock(10_000), [TestLog.HeartRates(5000, 60)], receivedUnixMs: TestLog.BootUnixMs + 50_000);
        await _log.AppendAsync(nextBoot == 1 ? 2u : 1u, 2, NoClock(10_000), [TestLog.HeartRates(5000, 61)], nextBoot, TestLog.BootUnixMs + 50_000 + nextAfterMs);
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal([("60", 45_000L)], _server.Taken.Select(line => (Value(line), UptimeOf(line))));
        Assert.Equal(1, run.Sink.Metrics.PlacedByReceiveTime);
    }

    [Fact]
    public async Task ClockNotSet_HoldsTheCursorSoThatARestartPlacesItAlike()
    {
        long waiting = await _log.AppendAsync(1, 1, NoClock(10_000), [TestLog.HeartRates(5000, 60)]);
        await _log.AppendAsync(2, 1, TestLog.HeartRates(0, 70));
        await DrainAsync(Options());
        Assert.Equal(waiting, _log.Log.OpenCursor("influx").Position);
        _log.Reopen();
        await _log.AppendAsync(1, 2, TestLog.HeartRates(6000, 61));
        await DrainAsync(Options());
        Assert.Equal([("70", 0L), ("70", 0L), ("60", 5000L), ("61", 6000L)], _server.Taken.Select(line => (Value(line), UptimeOf(line))));
    }

    // The batch was lost on its way, and came, asked for again, when the reading of its boot lay behind the cursor of a sink that was started since.
    [Fact]
    public async Task ClockNotSet_ReadingBeforeTheCursor_PlacesIt()
    {
        await _log.AppendAsync(1, 2, TestLog.HeartRates(6000, 61));
        await _log.AppendAsync(2, 2, TestLog.HeartRates(0, 70));
        await DrainAsync(Options());
        Assert.Equal(_log.Log.DurablePosition, _log.Log.OpenCursor("influx").Position);
        _log.Reopen();
        await _log.AppendAsync(1, 1, NoClock(10_000), [TestLog.HeartRates(5000, 60)], receivedUnixMs: TestLog.BootUnixMs + 86_400_000);
        await _log.AppendAsync(1, 3, NoClock(10_000), [TestLog.HeartRates(5000, 62)], boot: 2, receivedUnixMs: TestLog.BootUnixMs + 86_400_000);
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal([("61", 6000L), ("70", 0L), ("60", 5000L)], _server.Taken.Select(line => (Value(line), UptimeOf(line))));
        Assert.Equal(0, run.Sink.Metrics.PlacedByReceiveTime);
    }

    private static Clock NoClock(long uptimeMs) => new() { UptimeMs = (ulong)uptimeMs, ErrorMs = uint.MaxValue };

    private static InfluxOptions Options() => new() { Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero };

    private static string Value(string line) => line.Split(' ')[1]["value=".Length..];

    private static long UptimeOf(string line) => (long.Parse(line.Split(' ')[^1]) / 1_000_000) - TestLog.BootUnixMs;

    /// <summary>Starts a sink and stops it again: stopping delivers everything durable.</summary>
    private async Task DrainAsync(InfluxOptions options)
    {
        await using SinkRun run = new(_log, options, handler: _server);
        await run.StopAsync();
    }
}
