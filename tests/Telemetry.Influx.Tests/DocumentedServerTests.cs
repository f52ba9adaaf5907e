using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Influx.Tests;

/// <summary>The sink and its erasure against InfluxDB 2 and 3 as their documents describe them.</summary>
public sealed class DocumentedServerTests : IDisposable
{
    private const string Token = "t0ken==";

    private readonly TestLog _log = new() { DeviceName = "de,vi ce={0}\"☃" };
    private readonly TempFolder _folder = new();
    private readonly DocumentedServer _server = new(Token);

    public DocumentedServerTests() => File.WriteAllText(_folder["token"], Token + "\n");

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
        _log.Dispose();
    }

    [Theory]
    [InlineData(InfluxApi.V2, InfluxPrecision.Nanoseconds)]
    [InlineData(InfluxApi.V2, InfluxPrecision.Milliseconds)]
    [InlineData(InfluxApi.V3, InfluxPrecision.Nanoseconds)]
    [InlineData(InfluxApi.V3, InfluxPrecision.Milliseconds)]
    public async Task Samples_ArePointsOfTheServer(InfluxApi api, InfluxPrecision precision)
    {
        await FillAsync();
        await using (SinkRun run = new(_log, Options(api, precision), handler: _server)) await run.StopAsync();

        Assert.Empty(_server.Refusals);
        Assert.Equal(6, _server.Points.Count);
        Assert.Contains("heart_rate,brand=acme,device=de\\,vi\\ ce\\=1\"☃,model=band-2 value=62 1700000002000000000", _server.Points);
    }

    [Fact]
    public async Task OneBadLine_Version3KeepsTheOthers_AndTheFileTheBadOne()
    {
        _server.RefusedField = "value=62";
        await FillAsync();
        await using (SinkRun run = new(_log, Options(InfluxApi.V3), handler: _server)) await run.StopAsync();

        Assert.Equal(5, _server.Points.Count);
        Assert.Contains("partial write of line protocol", Assert.Single(File.ReadAllLines(Path.Combine(_log.RefusedFolder, "influx-refused.jsonl"))), StringComparison.Ordinal);
    }

    // The server takes the stop of a range with it: the point at the end must stay.
    [Fact]
    public async Task ErasedDevice_Version2_LosesItsRangeOnly()
    {
        await FillAsync();
        await using (SinkRun run = new(_log, Options(InfluxApi.V2), handler: _server)) await run.StopAsync();
        using InfluxDerived derived = new(Options(InfluxApi.V2), handler: _server);

        await derived.EraseDeviceAsync(_log.FindDevice(1)!, TestLog.BootUnixMs + 1000, TestLog.BootUnixMs + 2000, CancellationToken.None);
        Assert.Equal([60, 62, 70, 71, 72], Values());

        await derived.EraseDeviceAsync(_log.FindDevice(2)!, 0, long.MaxValue / 1_000_000, CancellationToken.None);
        Assert.Equal([60, 62], Values());
        Assert.Empty(_server.Refusals);
    }

    [Fact]
    public async Task ReplacedAndErasedSegments_Version2_AreWhatWasSaidLast()
    {
        using InfluxDerived derived = new(Options(InfluxApi.V2), handler: _server);
        await derived.ReplaceSegmentsAsync("anna", 0, 900_000, [Stay("anna", "rest", 0), Stay("anna", "walk", 300_000), Stay("anna", "run", 600_000)], CancellationToken.None);
        await derived.ReplaceSegmentsAsync("ben", 0, 900_000, [Stay("ben", "desk", 0)], CancellationToken.None);
        await derived.ReplaceSegmentsAsync("anna", 200_000, 600_000, [Stay("anna", "bike", 360_000)], CancellationToken.None);
        Assert.Equal(["anna bike 360", "anna rest 0", "anna run 600", "ben desk 0"], Segments());

        await derived.EraseUserAsync("anna", CancellationToken.None);
        Assert.Equal(["ben desk 0"], Segments());
        Assert.Empty(_server.Refusals);
    }

    // Saying that it is gone would be a lie; the erasure stays open and says why.
    [Fact]
    public async Task Erasure_Version3_SaysThatTheServerCannot()
    {
        using InfluxDerived derived = new(Options(InfluxApi.V3), handler: _server);
        Assert.False(await derived.KeepsSegmentsAsync(CancellationToken.None));
        HttpRequestException refusal = await Assert.ThrowsAsync<HttpRequestException>(() => derived.EraseUserAsync("anna", CancellationToken.None));
        Assert.Contains("InfluxDB 3 has no way to delete points", refusal.Message, StringComparison.Ordinal);
    }

    private InfluxOptions Options(InfluxApi api, InfluxPrecision precision = InfluxPrecision.Nanoseconds) => new()
    {
        Url = new Uri("http://127.0.0.1:1"), Api = api, TokenFile = _folder["token"], Organization = "o r&g", Bucket = "b?1", Precision = precision, RefusedFolder = _log.RefusedFolder, Gzip = false,
    };

    private async Task FillAsync()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60, 61, 62));
        await _log.AppendAsync(2, 1, TestLog.HeartRates(0, 70, 71, 72));
    }

    private static Segment Stay(string user, string scenario, ulong startMs) => new() { User = user, Scenario = scenario, StartUnixMs = (long)startMs, EndUnixMs = (long)startMs + 60_000 };

    private IEnumerable<int> Values() => _server.Points.Select(point => int.Parse(point.Split(' ')[^2]["value=".Length..])).Order();

    private IEnumerable<string> Segments() => _server.Points.Select(point =>
        $"{point.Split(' ')[0]["scenario,user=".Length..]} {point.Split('"')[1]} {long.Parse(point.Split(' ')[^1]) / 1_000_000_000}");
}
