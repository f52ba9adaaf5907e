using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Collector.Api;
using Telemetry.Collector.Devices;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Devices;

/// <summary>A firmware team's device sends what it should not, or what it should: what does the check say?</summary>
public sealed class DeviceCheckTests : IDisposable
{
    private const string ProfileJson = """
        {"model": "shoe", "version": 1, "signals": [
          {"id": 1, "key": "cadence", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 0, "max": 250, "privacy": "activity", "periodMs": 1000},
          {"id": 2, "key": "battery", "unit": "%", "kind": "state", "resolution": 1, "min": 0, "max": 100, "privacy": "device"}
        ]}
        """;

    private const int Rows = 60;
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly DeviceRegistry _registry;
    private readonly BlockLog _log;
    private readonly IngestService _ingest;
    private readonly IngestSession _session;
    private readonly uint _profile;
    private ulong _seq;

    public DeviceCheckTests()
    {
        _time.Advance(TimeSpan.FromDays(20_000));
        _registry = DeviceRegistry.Open(_folder["registry.db"], _time);
        _registry.PutBrand("acme", "");
        _profile = _registry.PutModel("acme", ProfileJson).Profile.Hash;
        _registry.AddDevice(new NewDevice("acme", "shoe-1", "shoe"));
        _log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"] }, NullLogger<BlockLog>.Instance, _time);
        _ingest = IngestService.Open(_log, _registry, new IngestOptions(), NullLogger<IngestService>.Instance, _time);
        _session = _ingest.FindDevice("acme/shoe-1", "mqtt")!;
    }

    private long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Dispose()
    {
        _ingest.Dispose();
        _log.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task GoodDevice_NothingIsWrongAndTheNumbersAreItsOwn()
    {
        for (int i = 0; i < 12; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(10));
            await SendAsync(Cadence(row => 160 + row % 3));
        }

        DeviceReport report = Check();

        Assert.Empty(report.Findings);
        Assert.Equal((12UL, 12UL, 12UL * Rows, "shoe"), (report.Batches, report.Uploads, report.Samples, report.Model));
        SignalReport cadence = report.Signals[0], battery = report.Signals[1];
        Assert.Equal(("cadence", 12UL * Rows, 160.0, 162.0, 1000L, 1000L), (cadence.Signal, cadence.Samples, cadence.Min, cadence.Max, cadence.PeriodMs, cadence.ProfilePeriodMs));
        Assert.Equal((0UL, true), (battery.Samples, double.IsNaN(battery.Min)));
        Assert.Equal(NowMs, report.LastReceivedUnixMs);
    }

    [Fact]
    public void NothingSent_SaysHowToConnect() => AssertSays(DeviceFindingKind.Fault, "batches", "t1/acme/shoe-1/up");

    [Fact]
    public async Task ImpossibleValues_AreCounted()
    {
        await SendAsync(Cadence(row => row < 5 ? 900 : 100));
        AssertSays(DeviceFindingKind.Fault, "cadence", "5 values outside 0 to 250 /min; 100 to 900 came");
    }

    [Fact]
    public async Task SlowerThanTheProfileSays_IsAWarning()
    {
        await SendAsync(Cadence(_ => 100, periodMs: 4000));
        AssertSays(DeviceFindingKind.Warning, "cadence", "every 4 s, every 1 s in the profile");
    }

    [Fact]
    public async Task SlowerBecauseItWasOrdered_IsNoFindingAndNotObeyingIsOne()
    {
        _registry.Order(_session.DeviceKey, new OrderChange { Rates = [("cadence", 4000)] });
        await SendAsync(Cadence(_ => 100, periodMs: 4000), losses: [new LossEntry(1, (int)LossReason.RateLimited, 180)]);
        Assert.Empty(Check().Findings);

        _time.Advance(TimeSpan.FromSeconds(1));
        _registry.Order(_session.DeviceKey, new OrderChange { Rates = [("cadence", 60_000)] });
        Assert.Empty(Check().Findings); // the samples are of before
        _time.Advance(TimeSpan.FromMinutes(1));
        await SendAsync(Cadence(_ => 100, periodMs: 4000));
        DeviceFinding finding = Assert.Single(Check(fromUnixMs: NowMs).Findings);
        Assert.Contains("every 4 s, every 60 s as ordered", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignalOrderedOff_NeedNotCome()
    {
        _registry.Order(_session.DeviceKey, new OrderChange { Rates = [("cadence", 0)] });
        await SendAsync(Cadence(_ => 50, signal: 2));
        Assert.Empty(Check().Findings);
    }

    [Fact]
    public async Task SignalThatNeverCame_IsAWarning()
    {
        await SendAsync(Cadence(_ => 50, signal: 2));
        AssertSays(DeviceFindingKind.Warning, "cadence", "one every 1 s");
    }

    [Fact]
    public async Task SignalTheProfileDoesNotHave_IsAFault()
    {
        await SendAsync(Cadence(_ => 50, signal: 9));
        await SendAsync(Cadence(_ => 50));
        AssertSays(DeviceFindingKind.Fault, "signal 9", "60 values of an id that the profile");
    }

    [Fact]
    public async Task BatchesThatNeverCame_AreNamed()
    {
        await SendAsync(Cadence(_ => 100));
        _seq += 3;
        await SendAsync(Cadence(_ => 100));
        AssertSays(DeviceFindingKind.Fault, "batches", "3 batches never came, though later ones did: epoch 0000002a, seq 2 to 4");
    }

    [Fact]
    public async Task LossesOfTheLedger_AreToldByReason()
    {
        await SendAsync(Cadence(_ => 100), losses: [new LossEntry(1, (int)LossReason.SpoolEvicted, 1200), new LossEntry(1, (int)LossReason.Consent, 7)]);
        AssertSays(DeviceFindingKind.Fault, "cadence", "1,200 values evicted");
        Assert.Equal(1207UL, Check().Signals[0].Dropped);
    }

    [Fact]
    public async Task ClockNeverSet_IsAWarning()
    {
        await SendAsync(Cadence(_ => 100), isClockSet: false);
        AssertSays(DeviceFindingKind.Warning, "clock", "never knew the time");
    }

    [Fact]
    public async Task ClockAhead_IsAFault()
    {
        await SendAsync(Cadence(_ => 100), aheadMs: 3 * 3_600_000);
        AssertSays(DeviceFindingKind.Fault, "clock", "up to 3 h ahead");
    }

    [Fact]
    public async Task UploadEveryMinute_CostsMoreThanTheBudget()
    {
        for (int i = 0; i < 70; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await SendAsync(Cadence(_ => 100));
        }

        AssertSays(DeviceFindingKind.Warning, "uploads", "uploads a day; the SDK's default keeps to 288");
    }

    [Fact]
    public async Task DeadLetters_AreToldByReasonWithTheirCure()
    {
        await SubmitAsync(Seal(Cadence(_ => 100), profile: 0xBAD));
        await SubmitAsync([.. Seal(Cadence(_ => 100)).AsSpan()[..^1], 0]);
        DeviceReport report = Check();

        Assert.Contains(report.Findings, finding => finding.Text.Contains("UnknownProfile", StringComparison.Ordinal) && finding.Text.Contains("telemetry model add acme FILE", StringComparison.Ordinal));
        Assert.Contains(report.Findings, finding => finding.Text.Contains("ChecksumMismatch", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WrongSecret_IsToldUntilTheRightOneComes()
    {
        string right = _registry.AddDevice(new NewDevice("acme", "shoe-3", "shoe")).Secret;
        await SendAsync(Cadence(_ => 100));
        Assert.Null(await LoginAsync("acme/shoe-1", "guessed"));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await LoginAsync("acme/shoe-1", right));
        Assert.Null(await LoginAsync("acme/shoe-9", right));
        AssertSays(DeviceFindingKind.Fault, "secret", "2 logins refused since the last that was right, the newest at 2024-10-04 00:00:02Z");

        Assert.Null(await LoginAsync("acme/shoe-3", "guessed"));
        IngestSession session = (await LoginAsync("acme/shoe-3", right))!;
        Assert.Equal(default, _ingest.RefusedLoginsOf(session.DeviceKey));
    }

    [Fact]
    public async Task FromALaterInstant_JudgesOnlyWhatCameSince()
    {
        await SendAsync(Cadence(_ => 900));
        _time.Advance(TimeSpan.FromMinutes(5));
        long repaired = NowMs;
        await SendAsync(Cadence(_ => 100));

        Assert.NotEmpty(Check().Findings);
        DeviceReport since = Check(repaired);
        Assert.Empty(since.Findings);
        Assert.Equal(1UL, since.Batches);
    }

    [Fact]
    public void UnknownDevice_IsSaidSo() =>
        Assert.Equal(ApiFault.NotFound, Assert.Throws<ApiException>(() => new DeviceCheck(_log, _registry, _ingest).Check(new CheckDeviceRequest { Brand = "acme", Device = "shoe-9" })).Fault);

    private ValueTask<IngestSession?> LoginAsync(string username, string secret) => _ingest.AuthenticateAsync(username, Encoding.UTF8.GetBytes(secret), "mqtt", CancellationToken.None);

    private DeviceReport Check(long fromUnixMs = 0) =>
        new DeviceCheck(_log, _registry, _ingest).Check(new CheckDeviceRequest { Brand = "acme", Device = "shoe-1", FromUnixMs = fromUnixMs });

    // The one finding there is.
    private void AssertSays(DeviceFindingKind kind, string subject, string text)
    {
        DeviceFinding finding = Assert.Single(Check().Findings);
        Assert.Equal((kind, subject), (finding.Kind, finding.Subject));
        Assert.Contains(text, finding.Text, StringComparison.Ordinal);
    }

    private Task SendAsync(byte[] block, bool isClockSet = true, long aheadMs = 0, params LossEntry[] losses) => SubmitAsync(Seal(block, _profile, isClockSet, aheadMs, losses));

    private async Task SubmitAsync(byte[] batch)
    {
        IngestTicket ticket = _ingest.Submit(_session, new ReadOnlySequence<byte>(batch));
        Assert.True(ticket.Outcome is IngestOutcome.Stored or IngestOutcome.DeadLettered, $"{ticket}");
        Assert.True(await _ingest.WaitDurableAsync(ticket.Position, CancellationToken.None));
    }

    private byte[] Seal(byte[] block, uint profile = 0, bool isClockSet = true, long aheadMs = 0, params LossEntry[] losses)
    {
        const long UptimeMs = 1_000_000;
        ClockReading clock = isClockSet ? new ClockReading(NowMs + aheadMs, UptimeMs, 100, (int)ClockSource.Server) : new ClockReading(0, UptimeMs, ClockReading.UnknownErrorMs, 0);
        BatchPacker packer = new();
        packer.Begin(new BatchHeader(42, ++_seq, 1, profile == 0 ? _profile : profile, clock, 1, losses.Length));
        foreach (LossEntry loss in losses) packer.AddLoss(loss);
        packer.AddBlock(block);
        return packer.Seal().ToArray();
    }

    private static byte[] Cadence(Func<int, long> value, int signal = 1, int periodMs = 1000)
    {
        RowBuffer rows = new([signal], [BlockPacker.NarrowKind]);
        for (int row = 0; row < Rows; row++) rows.Add(row * periodMs, 1, value(row));
        ArrayBufferWriter<byte> block = new();
        new BlockPacker().Pack(block, rows, 0, Rows, stepsInSeconds: true);
        return block.WrittenSpan.ToArray();
    }
}
