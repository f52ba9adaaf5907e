using System.Buffers;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Collector.Backup;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Options;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Backup;

/// <summary>A data folder copied while its rooms work, and back.</summary>
public sealed class DataBackupTests : IDisposable
{
    private const string ProfileJson =
        """{"model":"band","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000}]}""";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Create_WhileBatchesCome_RestoresEverythingAcknowledgedBefore()
    {
        await using (Rooms rooms = Open("data"))
        {
            (IngestSession session, uint profile) = await RegisterAsync(rooms);
            await SubmitAsync(rooms, session, profile, 1, 500);
            using CancellationTokenSource stop = new();
            Task sending = Task.Run(async () =>
            {
                for (ulong seq = 501; !stop.IsCancellationRequested; seq++) await SubmitAsync(rooms, session, profile, seq, seq);
            });

            BackupReport report = DataBackup.Create(_folder["data"], _folder["backup"], DateTimeOffset.UnixEpoch);
            await stop.CancelAsync();
            await sending;

            Assert.True(report.IsSound);
            Assert.True(report.Batches >= 500);
        }

        BackupReport restored = DataBackup.Restore(_folder["backup"], _folder["restored"]);
        Assert.True(restored.IsSound);
        await using Rooms again = Open("restored");
        Assert.NotNull(again.Registry.FindDevice("acme", "b1"));
        IngestSession anew = (await again.Ingest.AuthenticateAsync("acme/b1", _secret, "mqtt", CancellationToken.None))!;
        Assert.Equal(IngestOutcome.Duplicate, again.Ingest.Submit(anew, Batch(again.Registry.Models("acme")[0].Profile.Hash, 500)).Outcome);
        Assert.Equal(again.Folder.OperatorToken, File.ReadAllText(DataFolder.TokenFileOf(_folder["data"])).Trim());
    }

    [Fact]
    public async Task Restore_ByteChanged_IsRefusedAndNamesTheFile()
    {
        await MakeBackupAsync();
        string segment = Directory.GetFiles(Path.Combine(_folder["backup"], "log"), "*.seg")[0];
        byte[] bytes = File.ReadAllBytes(segment);
        bytes[200] ^= 1;
        File.WriteAllBytes(segment, bytes);

        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => DataBackup.Restore(_folder["backup"], _folder["restored"]));
        Assert.Contains(Path.GetFileName(segment), fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["restored"]));
    }

    // What a damaged or edited manifest may look like; a file that it leaves out would be missing in the folder that comes of it.
    [Theory]
    [InlineData("\"registry.db\"", "\"registry.dc\"")]
    [InlineData("\"path\"", "\"pbth\"")]
    [InlineData("\"files\"", "\"filed\"")]
    [InlineData("\"version\": 1", "\"version\": 2")]
    public async Task Restore_ManifestChanged_IsRefused(string found, string changed)
    {
        await MakeBackupAsync();
        string manifest = Path.Combine(_folder["backup"], DataBackup.ManifestName), text = File.ReadAllText(manifest);
        Assert.Contains(found, text, StringComparison.Ordinal);
        File.WriteAllText(manifest, text.Replace(found, changed, StringComparison.Ordinal));
        Assert.Throws<InvalidDataException>(() => DataBackup.Restore(_folder["backup"], _folder["restored"]));
        Assert.False(Directory.Exists(_folder["restored"]));
    }

    [Fact]
    public async Task Restore_FileThatTheManifestLeavesOut_IsNamed()
    {
        await MakeBackupAsync();
        File.WriteAllText(Path.Combine(_folder["backup"], "registry.db.old"), "x");
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => DataBackup.Restore(_folder["backup"], _folder["restored"]));
        Assert.Contains("'registry.db.old'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_InsideTheDataFolder_IsRefused()
    {
        await MakeBackupAsync();
        Assert.Throws<InvalidDataException>(() => DataBackup.Create(_folder["data"], Path.Combine(_folder["data"], "backup"), DateTimeOffset.UnixEpoch));
        Assert.Throws<InvalidDataException>(() => DataBackup.Create(_folder["data"] + "/", _folder["data"] + "/influx/../b", DateTimeOffset.UnixEpoch));
        Assert.True(DataBackup.Create(_folder["data"], _folder["data-backup"], DateTimeOffset.UnixEpoch).IsSound);
    }

    [Fact]
    public async Task Restore_UnfinishedBackup_IsRefused()
    {
        await MakeBackupAsync();
        File.Delete(Path.Combine(_folder["backup"], DataBackup.ManifestName));

        Assert.Throws<InvalidDataException>(() => DataBackup.Restore(_folder["backup"], _folder["restored"]));
    }

    [Fact]
    public async Task Restore_FolderInUse_IsRefusedAndLeftAlone()
    {
        await MakeBackupAsync();

        Assert.Throws<InvalidDataException>(() => DataBackup.Restore(_folder["backup"], _folder["data"]));
        Assert.Throws<InvalidDataException>(() => DataBackup.Create(_folder["data"], _folder["backup"], DateTimeOffset.UnixEpoch));
    }

    private byte[] _secret = [];

    private async Task MakeBackupAsync()
    {
        await using (Rooms rooms = Open("data"))
        {
            (IngestSession session, uint profile) = await RegisterAsync(rooms);
            await SubmitAsync(rooms, session, profile, 1, 20);
        }

        DataBackup.Create(_folder["data"], _folder["backup"], DateTimeOffset.UnixEpoch);
    }

    private Rooms Open(string name) => Rooms.Open(CollectorOptions.OnFreePorts(_folder[name]), DataFolder.Open(_folder[name]), NullLoggerFactory.Instance);

    private async Task<(IngestSession Session, uint Profile)> RegisterAsync(Rooms rooms)
    {
        rooms.Registry.PutBrand("acme", "");
        uint profile = rooms.Registry.PutModel("acme", ProfileJson).Profile.Hash;
        NewCredentials device = rooms.Registry.AddDevice(new NewDevice("acme", "b1", "band"));
        _secret = System.Text.Encoding.UTF8.GetBytes(device.Secret);
        return ((await rooms.Ingest.AuthenticateAsync(device.Username, _secret, "mqtt", CancellationToken.None))!, profile);
    }

    private static async Task SubmitAsync(Rooms rooms, IngestSession session, uint profile, ulong first, ulong last)
    {
        IngestTicket ticket = default;
        for (ulong seq = first; seq <= last; seq++) ticket = rooms.Ingest.Submit(session, Batch(profile, seq));
        Assert.Equal(IngestOutcome.Stored, ticket.Outcome);
        Assert.True(await rooms.Ingest.WaitDurableAsync(ticket.Position, CancellationToken.None));
    }

    private static ReadOnlySequence<byte> Batch(uint profile, ulong seq)
    {
        Batch batch = new()
        {
            Epoch = 7,
            Seq = seq,
            Boot = 1,
            Profile = profile,
            Clock = new Clock { WallUnixMs = 1_790_000_000_000 + (seq * 1000), UptimeMs = seq * 1000, ErrorMs = 5, Source = ClockSource.Ntp },
            PlainBlocks = { new PlainBlock { StartUptimeMs = seq * 1000, PeriodMs = 1000, Rows = 1, Columns = { new PlainColumn { Signal = 1, Deltas = { 60 } } } } },
        };
        byte[] body = batch.ToByteArray();
        byte[] whole = [.. body, (15 << 3) | 5, 0, 0, 0, 0];
        BitConverter.TryWriteBytes(whole.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return new ReadOnlySequence<byte>(whole);
    }
}
