using System.Net;
using System.Text.Json;
using Telemetry.Influx.Delivery;
using Telemetry.Influx.LineProtocol;
using Telemetry.Testing;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Influx.Tests;

/// <summary>Segments, releases, erasure, dashboards.</summary>
public sealed class DerivedTests : IDisposable
{
    private readonly TestLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Release_BecomesOneLineARow()
    {
        ReleaseTable release = new() { Columns = { "scenario", "hour" }, Epsilon = 0.5, Threshold = 20, Rows = { new ReleaseRow { Group = { "run", "18" }, Value = 1234, Error95 = 20.5 } } };
        ReleaseRequest question = new() { Measure = "minutes", ToUnixMs = TestLog.BootUnixMs, Where = { "model=band 2", "brand=acme" }, Recipient = "acme" };
        Assert.Equal(
            [@"release,measure=minutes,until=2023-11-14T22:13:20Z,where=brand\=acme\ model\=band\ 2,recipient=acme,scenario=run,hour=18 threshold=20i,value=1234,error_95=20.5,epsilon=0.5 1700000000000"],
            SegmentLines.Lines(question, release, TestLog.BootUnixMs, InfluxPrecision.Milliseconds));
        Assert.StartsWith("release,measure=users,scenario=run,hour=18 ", Assert.Single(SegmentLines.Lines(new ReleaseRequest { Measure = "users" }, release, 0, InfluxPrecision.Milliseconds)), StringComparison.Ordinal);
    }

    [RealPartFact("influxd")]
    public async Task Influx_ReleasesOfSeveralQuestions_StandBesideEachOtherAndOnce()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        using InfluxDerived derived = new(new InfluxOptions { Url = influx.Url, RefusedFolder = _log.RefusedFolder });
        ReleaseRequest week = new() { Measure = "minutes", FromUnixMs = TestLog.BootUnixMs, ToUnixMs = TestLog.BootUnixMs + 604_800_000 };
        ReleaseRequest day = new(week) { ToUnixMs = TestLog.BootUnixMs + 86_400_000 };
        ReleaseRequest ofAcme = new(day) { Where = { "brand=acme" } };
        foreach ((ReleaseRequest question, double value) in new[] { (week, 700.0), (day, 100.0), (ofAcme, 60.0), (day, 100.0) })
            await derived.WriteReleaseAsync(question, Answer(value), TestLog.BootUnixMs, CancellationToken.None);

        var rows = await influx.QueryAsync("SELECT * FROM release");
        Assert.Equal([60.0, 100.0, 700.0], rows.Select(row => row["value"].GetDouble()).Order());
        Assert.All(rows, row => Assert.Equal(("run", TestLog.BootUnixMs * 1_000_000), (row["scenario"].GetString(), row["time"].GetInt64())));
    }

    [RealPartFact("influxd")]
    public async Task Influx_ReplacedSegments_LeaveNothingOfTheOldAndKeepEveryText()
    {
        const string Text = "quote \" back\\slash, comma = equals\nline ☃";
        await using RealInflux influx = new();
        await influx.StartAsync();
        using InfluxDerived derived = new(new InfluxOptions { Url = influx.Url, RefusedFolder = _log.RefusedFolder });
        await derived.ReplaceSegmentsAsync("u 1,=", TestLog.BootUnixMs, TestLog.BootUnixMs + 1_000_000, [Segment(0, "rest"), Segment(300_000, "walk")], CancellationToken.None);
        Segment kept = Segment(2_000_000, "desk");
        await derived.ReplaceSegmentsAsync("u 1,=", kept.StartUnixMs, kept.EndUnixMs, [kept], CancellationToken.None);
        await derived.ReplaceSegmentsAsync("u 1,=", TestLog.BootUnixMs, TestLog.BootUnixMs + 1_000_000, [Segment(60_000, Text)], CancellationToken.None);

        var rows = await influx.QueryAsync("SELECT * FROM scenario");
        Assert.Equal([Text, "desk"], rows.Select(row => row["scenario"].GetString()));
        Assert.All(rows, row => Assert.Equal(("u 1,=", 300L, 0.75), (row["user"].GetString(), row["duration_s"].GetInt64(), row["confidence"].GetDouble())));
        await derived.EraseUserAsync("u 1,=", CancellationToken.None);
        Assert.Empty(await influx.QueryAsync("SELECT * FROM scenario"));
    }

    [Fact]
    public async Task ErasedDeviceAndUser_LeaveTheRefusedLinesOfOthersAndOfOtherTimes()
    {
        _log.DeviceName = "d {0},=";
        await AppendTwoDevicesAsync();
        using ScriptedServer server = new() { Answer = request => request.Path.StartsWith("/write", StringComparison.Ordinal) ? ScriptedServer.Reply(HttpStatusCode.BadRequest) : ScriptedServer.Yes(request) };
        InfluxOptions options = new() { Url = new Uri("http://127.0.0.1:1"), RefusedFolder = _log.RefusedFolder };
        SinkRun run = new(_log, options, handler: server);
        await using (run)
        {
            await run.StopAsync();
            InfluxDerived derived = new(options, handler: server, sink: run.Sink);
            await derived.ReplaceSegmentsAsync("u 1,=", 0, 1, [Segment(0, "rest at 5, user=u2 1"), Segment(300_000, "two\nlines")], CancellationToken.None);
            await derived.ReplaceSegmentsAsync("u2", 0, 1, [new Segment { User = "u2", Scenario = "user=u\\ 1\\,\\= 0" }], CancellationToken.None);
            string file = Path.Combine(_log.RefusedFolder, "influx-refused.jsonl");
            File.Copy(file, Path.Combine(_log.RefusedFolder, "influx-refused.1.jsonl"));
            await File.AppendAllTextAsync(file, "{\"line\":\"heart_rate,bra"); // a crash while one was set aside
            Assert.Equal(14, RefusedLines().Count - 1);

            await derived.EraseDeviceAsync(_log.FindDevice(1)!, TestLog.BootUnixMs, TestLog.BootUnixMs + 2000, CancellationToken.None);
            string[] left = ["value=62 1700000002000000000", "value=70 1700000000000000000"];
            Assert.Equal(left.Concat(left), RefusedLines().Where(line => line.StartsWith("heart_rate", StringComparison.Ordinal)).Select(line => line[line.IndexOf("value", StringComparison.Ordinal)..]));
            Assert.Equal(10, RefusedLines().Count);

            await derived.EraseUserAsync("u 1,=", CancellationToken.None);
            Assert.Equal(["heart_rate", "heart_rate", "scenario,user=u2", "heart_rate", "heart_rate", "scenario,user=u2"], RefusedLines().Select(line => line.StartsWith("heart", StringComparison.Ordinal) ? "heart_rate" : line.Split(' ')[0]));
            Assert.DoesNotContain(Directory.GetFiles(_log.RefusedFolder), path => path.EndsWith(".new", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void RefusedLine_BehindOneThatACrashCutShort_StandsAlone()
    {
        RefusedLines refused = new(_log.RefusedFolder, new ManualTime());
        refused.Add("first 1"u8, 400, "no");
        File.AppendAllText(refused.FilePath, "{\"time\":\"2026-");
        refused.Add("second 2"u8, 400, "no");
        string[] entries = File.ReadAllLines(refused.FilePath);
        Assert.Equal(3, entries.Length);
        Assert.Equal(["first 1", "second 2"], new[] { entries[0], entries[2] }.Select(entry => JsonDocument.Parse(entry).RootElement.GetProperty("line").GetString()));
    }

    [RealPartFact("influxd")]
    public async Task Influx_ErasedDevice_OnlyItsRangeIsGone()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await AppendTwoDevicesAsync();
        InfluxOptions options = new() { Url = influx.Url, RefusedFolder = _log.RefusedFolder };
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        using InfluxDerived derived = new(options);
        await derived.EraseDeviceAsync(_log.FindDevice(1)!, TestLog.BootUnixMs, TestLog.BootUnixMs + 2000, CancellationToken.None);
        var rows = await influx.QueryAsync("SELECT device, value FROM heart_rate");
        Assert.Equal([("d1", 62.0), ("d2", 70.0)], rows.Select(row => (row["device"].GetString()!, row["value"].GetDouble())).Order());
    }

    [RealPartFact("influxd")]
    public async Task Influx_DeviceErasedFromTheBeginning_LeavesNothingOfBefore1970()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await _log.AppendAsync(1, 1, new Clock { WallUnixMs = 1_000, UptimeMs = 10_000, Source = ClockSource.Rtc }, [TestLog.HeartRates(5_000, 61, 62)]);
        InfluxOptions options = new() { Url = influx.Url, RefusedFolder = _log.RefusedFolder };
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        const string Query = "SELECT value FROM heart_rate WHERE time < 0";
        Assert.Equal([-4_000_000_000L, -3_000_000_000L], (await influx.QueryAsync(Query)).Select(row => row["time"].GetInt64()));
        using InfluxDerived derived = new(options);
        await derived.EraseDeviceAsync(_log.FindDevice(1)!, long.MinValue, long.MaxValue, CancellationToken.None);
        Assert.Empty(await influx.QueryAsync(Query));
    }

    // Lines were written with the device's id, then with its hash: an erasure finds both.
    [RealPartFact("influxd")]
    public async Task Influx_DeviceHashedSinceLater_IsErasedUnderBothNames()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await AppendTwoDevicesAsync();
        InfluxOptions options = new() { Url = influx.Url, RefusedFolder = _log.RefusedFolder };
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        (options.DeviceHashKey, options.CursorName) = ("a secret of the operator", "hashed");
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        Assert.Equal(4, (await influx.QueryAsync("SELECT device, value FROM heart_rate")).Select(row => row["device"].GetString()).Distinct().Count());

        using InfluxDerived derived = new(options);
        await derived.EraseDeviceAsync(_log.FindDevice(1)!, 0, long.MaxValue / 1_000_000, CancellationToken.None);
        Assert.Equal(2, (await influx.QueryAsync("SELECT device, value FROM heart_rate")).Select(row => row["device"].GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Segments_WithHashedDevices_NameThemAsTheSamplesDo()
    {
        using ScriptedServer server = new();
        InfluxOptions options = new() { Url = new Uri("http://127.0.0.1:1"), RefusedFolder = _log.RefusedFolder, DeviceHashKey = "a secret of the operator" };
        using InfluxDerived derived = new(options, handler: server);
        Segment segment = Segment(0, "rest");
        segment.Devices.Add("acme/d2");
        await derived.ReplaceSegmentsAsync("u", 0, 1, [segment], CancellationToken.None);
        string[] tags = [.. new uint[] { 1, 2 }.Select(key => DeviceSeries.TagOf(_log.FindDevice(key)!, options))];
        Assert.Contains($"devices=\"acme/{tags[0]} acme/{tags[1]}\"", Assert.Single(server.Taken), StringComparison.Ordinal);
    }

    [RealPartFact("victoria-metrics")]
    public async Task Victoria_ErasedDevice_ItsSeriesAreGone()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        await AppendTwoDevicesAsync();
        InfluxOptions options = new() { Url = victoria.Url, RefusedFolder = _log.RefusedFolder };
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        Assert.Equal(4, (await victoria.ExportAsync("{__name__=\"heart_rate_value\"}")).Count);
        using InfluxDerived derived = new(options);
        await derived.EraseDeviceAsync(_log.FindDevice(1)!, 0, long.MaxValue, CancellationToken.None);
        Assert.Equal(["d2"], (await victoria.ExportAsync("{__name__=\"heart_rate_value\"}")).Select(sample => sample.Labels["device"]));
    }

    [Fact]
    public void Lines_AfterTheFirstRequest_AllocateNothing()
    {
        InfluxOptions options = new();
        DeviceSeries series = new(_log.FindDevice(1)!, _log.Profile, options);
        BlockDecoder block = new();
        long[] values = [.. Enumerable.Range(0, 1000).Select(i => (long)i)];
        PlainBlock plain = TestLog.Block(0, 1000, (1, values), (2, values));
        plain.Columns.Add(new PlainColumn { Signal = 3, Reals = { values.Select(value => value * 0.37) } });
        Assert.Equal(Wire.Ingest.RefusalReason.None, block.Decode(Google.Protobuf.MessageExtensions.ToByteArray(plain), isPlain: true));
        BlockLines lines = new(options);
        LineBatch batch = new(maxLines: 10_000, maxBytes: 1 << 20);
        bool isWhole = true;
        long allocated = Allocation.LeastBytes(() =>
        {
            batch.Clear();
            lines.BeginBatch(series, TestLog.BootUnixMs);
            lines.Begin(block);
            isWhole &= lines.Write(batch) && batch.LineCount == 3000;
        });
        Assert.Equal((true, 0), (isWhole, allocated));
    }

    [RealPartFact("influxd")]
    public async Task Dashboards_EveryPanelAndVariable_FindsRowsOfWhatWeWrite()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        string[] keys = ["heart_rate", "steps", "cadence", "motion", "temperature", "co2"];
        _log.Profile = new ModelProfile("band-2", 1, TestLog.ProfileHash, [.. keys.Select((key, i) => new SignalDefinition(i + 1, key, "1", SignalKind.Gauge, 1, 0, 1000, PrivacyClass.Activity, 1000))]);
        await _log.AppendAsync(1, 1, TestLog.Block(0, 1000, [.. keys.Select((_, i) => ((uint)i + 1, (long[])[60 + i, 61, 62]))]));
        InfluxOptions options = new() { Url = influx.Url, RefusedFolder = _log.RefusedFolder };
        await using (SinkRun run = new(_log, options)) await run.StopAsync();
        using InfluxDerived derived = new(options);
        await derived.ReplaceSegmentsAsync("u 1,=", TestLog.BootUnixMs, TestLog.BootUnixMs + 1_000_000, [Segment(0, "rest"), Segment(300_000, "walk")], CancellationToken.None);
        ReleaseRequest question = new() { Measure = "minutes", FromUnixMs = TestLog.BootUnixMs, ToUnixMs = TestLog.BootUnixMs + 86_400_000 };
        await derived.WriteReleaseAsync(question, Answer(100), TestLog.BootUnixMs, CancellationToken.None);
        await derived.WriteReleaseAsync(new ReleaseRequest(question) { Recipient = "acme" }, Answer(7), TestLog.BootUnixMs, CancellationToken.None);

        List<string> asked = [];
        foreach (string file in new[] { "devices.json", "scenarios.json" })
        {
            using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(RealParts.RepositoryRoot, "collector", "grafana", file)));
            JsonElement.ArrayEnumerator panels = dashboard.RootElement.GetProperty("panels").EnumerateArray();
            JsonElement.ArrayEnumerator variables = dashboard.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray();
            asked.AddRange(panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("query").GetString()!));
            asked.AddRange(variables.Where(variable => variable.GetProperty("type").GetString() == "query").Select(variable => variable.GetProperty("query").GetString()!));
        }

        Assert.InRange(asked.Count, 12, 100);
        foreach (string query in asked)
        {
            // As Grafana fills them in: all brands, devices and users, the hour of the data.
            string filled = query.Replace("$brand", ".*").Replace("$device", ".*").Replace("$user", ".*").Replace("$__interval", "10s")
                .Replace("$timeFilter", $"time >= {TestLog.BootUnixMs}ms AND time <= {TestLog.BootUnixMs + 3_600_000}ms");
            var rows = await influx.QueryAsync(filled);
            Assert.True(rows.Count > 0, $"No rows: {filled}");
            Assert.All(rows, row => Assert.Contains(row.Values, value => value.ValueKind != JsonValueKind.Null));
            if (query.Contains("sum(\"value\") FROM \"release\"", StringComparison.Ordinal)) Assert.Equal(100.0, Assert.Single(rows)["sum"].GetDouble());
        }
    }

    private static ReleaseTable Answer(double minutes) => new() { Columns = { "scenario" }, Epsilon = 1, Threshold = 20, Rows = { new ReleaseRow { Group = { "run" }, Value = minutes, Error95 = 3 } } };

    private static Segment Segment(long startMs, string scenario) => new()
    {
        User = "u 1,=", Scenario = scenario, StartUnixMs = TestLog.BootUnixMs + startMs, EndUnixMs = TestLog.BootUnixMs + startMs + 300_000, Confidence = 0.75,
        Devices = { "acme/d1" }, Evidence = { new Evidence { Feature = "cadence", Share = 0.5 } }, ModelVersion = "1", Revision = 4,
    };

    /// <summary>Of both files, the newer one first; a torn entry as it stands.</summary>
    private List<string> RefusedLines() =>
    [
        .. new[] { "influx-refused.jsonl", "influx-refused.1.jsonl" }.SelectMany(file => File.ReadAllLines(Path.Combine(_log.RefusedFolder, file)))
            .Select(entry => entry.EndsWith('}') ? JsonDocument.Parse(entry).RootElement.GetProperty("line").GetString()! : entry),
    ];

    private async Task AppendTwoDevicesAsync()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60, 61, 62));
        await _log.AppendAsync(2, 1, TestLog.HeartRates(0, 70));
    }
}
