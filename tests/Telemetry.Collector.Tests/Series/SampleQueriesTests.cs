using System.Buffers;
using Google.Protobuf;
using Telemetry.Collector.Api;
using Telemetry.Collector.Rights;
using Telemetry.Collector.Series;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Series;

/// <summary>Samples read back from a real log, also page by page while it is sealed, compacted and merged beneath.</summary>
public sealed class SampleQueriesTests : IDisposable
{
    private const int Hours = 12;
    private const long BeginUnixMs = 1_700_000_000_000;
    private const string ProfileJson =
        """{"model":"band","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000}]}""";

    private readonly TempFolder _folder = new();
    private readonly DeviceRegistry _registry;
    private readonly BlockLog _log;
    private readonly ModelProfile _profile = ProfileReader.Read(System.Text.Encoding.UTF8.GetBytes(ProfileJson)).Profile!;
    private readonly uint[] _devices;
    private readonly UserKey _user;

    public SampleQueriesTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], new ManualTime());
        _registry.PutBrand("acme", "");
        _registry.PutModel("acme", ProfileJson);
        _devices = [.. Enumerable.Range(1, 2).Select(i => _registry.AddDevice(new NewDevice("acme", $"b{i}", "band")).Device.DeviceKey)];
        _user = _registry.AddUser(default, 0).User;
        foreach (uint device in _devices) _registry.Bind(new DeviceBinding(device, _user, 0, DeviceBinding.Open));
        _log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });
    }

    public void Dispose()
    {
        _log.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(SampleQueries.MostStepMs + 1)]
    [InlineData(long.MaxValue)]
    public void Step_OutOfItsLimits_IsRefused(long stepMs)
    {
        ApiException fault = Assert.Throws<ApiException>(() => new SampleQueries(_log, _registry).ReadSteps(new SamplesRequest { User = _user.Text, StepMs = stepMs }));
        Assert.Contains($"step_ms is {stepMs}; 1 to 31622400000 (366 days) is expected", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 37u)]
    [InlineData(60_000, 5u)]
    public async Task Pages_WhileSegmentsAreMergedAndMoreComes_AreTheAnswerOfTheFirstInstant(long stepMs, uint limit)
    {
        for (int hour = 0; hour < Hours; hour++) await AppendHourAsync(hour);
        SampleQueries queries = new(_log, _registry);
        SamplesRequest request = new() { User = _user.Text, StepMs = stepMs };
        List<string> whole = Rows(queries, request);

        List<string> rows = [];
        int merged = 0, pages = 0;
        request.Limit = limit;
        do
        {
            rows.AddRange(Page(queries, request, out string next));
            request.Page = next;
            if (++pages % 3 != 0) continue;
            await AppendHourAsync(pages % Hours, seq: Hours + pages, offsetMs: 7_000); // late rows between those that are being read
            merged += (await _log.CompactAsync(DateTimeOffset.MaxValue)).Merged;
        }
        while (request.Page.Length > 0);

        Assert.True(merged > Hours / 2 && pages > 10, $"{merged} merged, {pages} pages");
        Assert.Equal(whole, rows);
        Assert.NotEqual(whole, Rows(queries, new SamplesRequest { User = _user.Text, StepMs = stepMs }));
    }

    // Newest batch first, one of them from before its device knew the time, and a question that begins and ends inside a batch: as the batches came, and packed into runs.
    [Fact]
    public async Task Read_PartOfWhatCameInReverse_IsInOrderBeforeAndAfterCompaction()
    {
        for (int hour = Hours - 1; hour >= 0; hour--) await AppendHourAsync(hour, knowsTime: hour != 5);
        SampleQueries queries = new(_log, _registry);
        SamplesRequest request = new() { Brand = "acme", Device = "b1", FromUnixMs = BeginUnixMs + (4 * 3_600_000L) + 60_000, ToUnixMs = BeginUnixMs + (6 * 3_600_000L) + 60_000 };
        List<(long, double)> expected =
        [
            .. Enumerable.Range(3, 17).Select(row => (BeginUnixMs + (4 * 3_600_000L) + (row * 20_000), row + 1.0)),
            .. Enumerable.Range(0, 20).Select(row => (BeginUnixMs + (5 * 3_600_000L) + (row * 20_000), row + 1.0)),
            .. Enumerable.Range(0, 3).Select(row => (BeginUnixMs + (6 * 3_600_000L) + (row * 20_000), row + 1.0)),
        ];
        Assert.Equal(expected, queries.Read(request).Select(row => (row.UnixMs, row.Value)));

        Assert.True((await _log.CompactAsync(DateTimeOffset.MaxValue)).Segments > 0);
        Assert.Equal(expected, queries.Read(request).Select(row => (row.UnixMs, row.Value)));
    }

    // A user gets another device between two pages, one that sorts before those that are read.
    [Fact]
    public async Task Pages_WhileADeviceIsBound_RepeatAndMissNothing()
    {
        for (int hour = 0; hour < 3; hour++) await AppendHourAsync(hour);
        UserKey user = _registry.AddUser(default, 0).User;
        DeviceBinding Owned(uint device, long fromUnixMs, UserKey owner) => new(device, owner, fromUnixMs, fromUnixMs + 3_600_000);
        foreach (uint device in _devices) _registry.Bind(new DeviceBinding(device, _user, 0, BeginUnixMs));
        _registry.Bind(Owned(_devices[1], BeginUnixMs, user));
        _registry.Bind(Owned(_devices[1], BeginUnixMs + 7_200_000, user));
        SampleQueries queries = new(_log, _registry);
        SamplesRequest request = new() { User = user.Text };
        List<string> whole = Rows(queries, request);
        Assert.Equal(40, whole.Count);

        request.Limit = 30;
        List<string> rows = Page(queries, request, out string next);
        _registry.Bind(Owned(_devices[0], BeginUnixMs, user));
        request.Page = next;
        rows.AddRange(Page(queries, request, out next));
        Assert.Equal(whole, rows);
        Assert.Empty(next);
    }

    // A real-time clock that fell back to 1970: with a user from the beginning on, its rows are that user's, to read and to erase.
    [Fact]
    public async Task Read_RowsBefore1970_AreOfTheUserFromTheBeginning()
    {
        await AppendBatchAsync(_devices[0], 1, 1_000, 10_000, [new PlainBlock { StartUptimeMs = 5_000, PeriodMs = 1_000, Rows = 2, Columns = { new PlainColumn { Signal = 1, Deltas = { 60, 1 } } } }]);
        Assert.Equal([-4_000L, -3_000L], new SampleQueries(_log, _registry).Read(new SamplesRequest { User = _user.Text }).Select(row => row.UnixMs));
        UserBatch found = Assert.Single(new UserBatches(_log).Read(UserBatches.TenuresOf(_registry.FindUser(_user)!)));
        Assert.Equal((-4_000L, false), (found.FirstUnixMs, found.IsShared));
    }

    // Faster than a millisecond, in two blocks and two batches: each its own line, also where a page begins among them.
    [Fact]
    public async Task Lines_OfSamplesOfOneMillisecond_HaveTimesOfTheirOwn()
    {
        await AppendAsync(1, -5_000, 6);
        await AppendAsync(2, -5_000, 3);
        SampleQueries queries = new(_log, _registry);
        SamplesRequest request = new() { Brand = "acme", Device = "b1" };
        string whole = Lines(queries.Read(request));
        Assert.Equal(Enumerable.Range(0, 9).Select(row => $"{BeginUnixMs - 5_000}00000{row}"), whole.TrimEnd().Split('\n').Select(line => line.Split(' ')[^1]));

        string pages = "";
        request.Limit = 2;
        do
        {
            SamplePage<SampleRow> page = queries.ReadPage(request);
            pages += Lines(page.Rows);
            request.Page = page.Next;
        }
        while (request.Page.Length > 0);
        Assert.Equal(whole, pages);

        Task AppendAsync(ulong seq, long atMs, int rows) => AppendBatchAsync(_devices[0], seq, BeginUnixMs, 3_600_000,
            [.. Enumerable.Range(0, rows / 3).Select(_ => new PlainBlock { StartUptimeMs = (ulong)(3_600_000 + atMs), TimeDeltasMs = { 0, 0 }, Rows = 3, Columns = { new PlainColumn { Signal = 1, Deltas = { 60, 1, 1 } } } })]);

        static string Lines(IEnumerable<SampleRow> rows)
        {
            ArrayBufferWriter<byte> output = new();
            SampleFormat lines = SampleFormat.For("text/x-influx-line");
            foreach (SampleRow row in rows) lines.Write(output, row);
            return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
        }
    }

    // Batches come in any order, some from before the device knew the time: the answer is cut into windows at strides, and must be the one of a single window.
    [Fact]
    public async Task Read_InManyWindows_IsTheAnswerOfOne()
    {
        Random random = new(4);
        int[] hours = [.. Enumerable.Range(0, 6 * Hours)];
        random.Shuffle(hours);
        foreach (int hour in hours) await AppendHourAsync(hour, knowsTime: hour % 5 != 0);
        for (int form = 0; form < 2; form++)
        {
            SampleRange all = new(_devices[0], long.MinValue, long.MaxValue, ""), part = all with { FromUnixMs = BeginUnixMs + 5_000_000, ToUnixMs = BeginUnixMs + 100_000_000 };
            List<SampleRow> whole = [.. new SampleReader(_log, _registry, long.MaxValue).Read(all)];
            Assert.Equal(6 * Hours * 20, whole.Count);
            Assert.Equal(whole.Order(Comparer<SampleRow>.Create((left, right) => SampleRow.Compare(left, right))), whole);
            Assert.Equal(whole, new SampleReader(_log, _registry, long.MaxValue, windowRows: 50).Read(all));
            Assert.Equal(whole.Where(row => row.UnixMs >= part.FromUnixMs && row.UnixMs < part.ToUnixMs), new SampleReader(_log, _registry, long.MaxValue, windowRows: 50).Read(part));
            Assert.True((await _log.CompactAsync(DateTimeOffset.MaxValue)).Segments > 0 || form == 1);
        }
    }

    [Fact]
    public void Read_DeviceAndUserAtOnce_IsRefused() =>
        Assert.Equal(ApiFault.Invalid, Assert.Throws<ApiException>(() => new SampleQueries(_log, _registry).Read(new SamplesRequest { Brand = "acme", Device = "b1", User = _user.Text })).Fault);

    [Fact]
    public void Read_SignalThatNoModelHas_NamesThoseThatAreThere()
    {
        SampleQueries queries = new(_log, _registry);
        ApiException fault = Assert.Throws<ApiException>(() => queries.Read(new SamplesRequest { Brand = "acme", Device = "b1", Signal = "heart_rates" }));
        Assert.Equal((ApiFault.NotFound, "Signal 'heart_rates' is none of what was asked about; there are: heart_rate."), (fault.Fault, fault.Message));
    }

    private async Task AppendHourAsync(int hour, int? seq = null, long offsetMs = 0, bool knowsTime = true)
    {
        foreach (uint device in _devices)
        {
            await AppendBatchAsync(device, (ulong)(seq ?? hour) + 1, knowsTime ? BeginUnixMs + ((hour + 1) * 3_600_000L) : 0, (hour + 1) * 3_600_000L,
                [new PlainBlock { StartUptimeMs = (ulong)((hour * 3_600_000L) + offsetMs), PeriodMs = 20_000, Rows = 20, Columns = { new PlainColumn { Signal = 1, Deltas = { Enumerable.Repeat(1L, 20) } } } }]);
        }

        await _log.SealAsync();
    }

    private async Task AppendBatchAsync(uint device, ulong seq, long wallUnixMs, long uptimeMs, IEnumerable<PlainBlock> blocks)
    {
        Batch batch = new()
        {
            Epoch = 9, Seq = seq, Boot = 1, Profile = _profile.Hash, PlainBlocks = { blocks },
            Clock = new Clock { WallUnixMs = (ulong)wallUnixMs, UptimeMs = (ulong)uptimeMs, Source = wallUnixMs > 0 ? ClockSource.Server : ClockSource.None },
        };
        byte[] body = batch.ToByteArray();
        byte[] sealedBatch = [.. body, (15 << 3) | 5, 0, 0, 0, 0];
        BitConverter.TryWriteBytes(sealedBatch.AsSpan(body.Length + 1), Crc32C.Compute(body));
        Assert.True(_log.TryAppend(LogRecordKind.Batch, 0, device, BeginUnixMs + uptimeMs - 3_600_000, sealedBatch, out long position));
        Assert.True(await _log.WaitDurableAsync(position));
    }

    private static List<string> Rows(SampleQueries queries, SamplesRequest request) =>
        request.StepMs == 0 ? [.. queries.Read(request).Select(row => row.ToString())] : [.. queries.ReadSteps(request).Select(step => step.ToString())];

    private static List<string> Page(SampleQueries queries, SamplesRequest request, out string next)
    {
        if (request.StepMs == 0)
        {
            SamplePage<SampleRow> rows = queries.ReadPage(request);
            next = rows.Next;
            return [.. rows.Rows.Select(row => row.ToString())];
        }

        var steps = queries.ReadStepsPage(request);
        next = steps.Next;
        return [.. steps.Rows.Select(step => step.ToString())];
    }
}
