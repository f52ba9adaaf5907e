using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Telemetry.Influx.Tests;
using Telemetry.Mqtt.Tests;
using Telemetry.Testing;
using MqttBytes = Telemetry.Mqtt.Tests.Bytes;

namespace Telemetry.EndToEnd.Tests;

/// <summary>What a person may ask for: everything back, everything gone, by the commands an operator has.</summary>
public sealed class RightsTests
{
    private const string Gone = "person-0001", Stays = "person-0002";

    [Fact]
    public async Task Export_AUser_HoldsEveryBatchVerbatimAndEverySample()
    {
        await using CollectorProcess collector = await WithTwoPeopleAsync();
        JsonElement summary = Json(await collector.TelemetryAsync("export", "--user", Gone, "--out", collector["gone.zip"], "--json"));

        using ZipArchive archive = ZipFile.OpenRead(collector["gone.zip"]);
        string[] manifest = (await TextAsync(archive, "batches.csv")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(summary.GetProperty("batches").GetInt64(), manifest.Length - 1);
        byte[] log = LogBytes(collector);
        foreach (string[] line in manifest.Skip(1).Select(line => line.Split(',')))
        {
            byte[] batch = Bytes(archive, line[0]);
            Assert.Equal(line[9], Convert.ToHexStringLower(SHA256.HashData(batch)));
            Assert.True(log.AsSpan().IndexOf(batch) >= 0, $"{line[0]} is not what the log holds");
        }

        string samples = await TextAsync(archive, "samples.csv");
        Assert.Equal(await collector.TelemetryAsync("samples", "--user", Gone, "--csv"), samples.TrimEnd());
        Assert.Equal(summary.GetProperty("samples").GetInt64(), samples.Count(letter => letter == '\n') - 1);
        Assert.Equal(3, Json(await TextAsync(archive, "user.json")).GetProperty("bindings").GetArrayLength());
        Assert.True(summary.GetProperty("segments").GetInt64() > 5);
        Assert.DoesNotContain(Stays, await TextAsync(archive, "user.json"), StringComparison.Ordinal);
    }

    // A device of nobody, as a firmware team has it: the archive holds what it sealed, byte for byte.
    [Fact]
    public async Task Export_ADevice_HoldsTheVeryBatchesItSealed()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "b1");
        byte[][] batches = [.. Enumerable.Range(1, 5).Select(seq => PeerBatches.HeartRates(0xABCD, (ulong)seq, 1_767_268_800_000 + (seq * 60_000L), 60, 61, 60 + seq))];
        await using (WireClient client = await WireClient.OpenAsync(collector.MqttPort))
        {
            await client.SendAsync(new ConnectBytes { ClientId = "b1", UserName = "acme/b1", Password = secret }.ToArray());
            Assert.Equal(0x20, (await client.ReadPacketAsync())[0]);
            foreach ((byte[] batch, int i) in batches.Select((batch, i) => (batch, i)))
            {
                await client.SendAsync(MqttBytes.Packet(0x32, [.. MqttBytes.Text("t1/acme/b1/up"), 0, (byte)(i + 1), 0, .. batch]));
                Assert.Equal(0x40, (await client.ReadPacketAsync())[0]);
            }
        }

        JsonElement summary = Json(await collector.TelemetryAsync("export", "--device", "acme/b1", "--out", collector["b1.zip"], "--json"));
        Assert.Equal((5, 15, 1), (summary.GetProperty("batches").GetInt32(), summary.GetProperty("samples").GetInt32(), summary.GetProperty("devices").GetInt32()));
        using (ZipArchive archive = ZipFile.OpenRead(collector["b1.zip"]))
        {
            Assert.Equal(["samples.csv", "batches.csv"], archive.Entries.Select(entry => entry.FullName).Where(name => !name.StartsWith("batches/", StringComparison.Ordinal)).OrderDescending());
            string[][] lines = [.. (await TextAsync(archive, "batches.csv")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(','))];
            Assert.Equal(batches, lines.Select(line => Bytes(archive, line[0])));
            Assert.Equal(batches.Select(batch => Convert.ToHexStringLower(SHA256.HashData(batch))), lines.Select(line => line[9]));
        }

        summary = Json(await collector.TelemetryAsync("export", "--device", "acme/b1", "--from", "1767268859001", "--to", "1767268979000", "--out", collector["part.zip"], "--json"));
        Assert.Equal(2, summary.GetProperty("batches").GetInt32());
        foreach (string[] wrong in (string[][])[[], ["--device", "acme/b2"], ["--device", "b1"], ["--device", "acme/b1", "--user", "x"], ["--device", "acme/b1", "--out", "/none/x.zip"]])
        {
            (int exit, _, string transcript) = await collector.TryTelemetryAsync(["export", .. wrong]);
            Assert.True(exit == 2, transcript);
        }
    }

    [Fact]
    public async Task Erase_AUser_LeavesNothingOfThemAndEverythingOfTheOthers()
    {
        await using CollectorProcess collector = await WithTwoPeopleAsync();
        string othersSamples = await collector.TelemetryAsync("samples", "--user", Stays, "--csv");
        string othersScenarios = await collector.TelemetryAsync("scenarios", "list", "--user", Stays, "--json");
        await collector.TelemetryAsync("export", "--user", Gone, "--out", collector["gone.zip"]);
        List<byte[]> batches = [];
        using (ZipArchive archive = ZipFile.OpenRead(collector["gone.zip"]))
        {
            batches.AddRange(archive.Entries.Where(entry => entry.FullName.EndsWith(".batch", StringComparison.Ordinal)).Select(entry => Bytes(archive, entry.FullName)));
        }

        JsonElement receipt = Json(await collector.TelemetryAsync("erase", "--user", Gone, "--yes", "--json"));
        Assert.Equal((batches.Count, 3, 3), (int.Parse(receipt.GetProperty("batches").GetString()!), receipt.GetProperty("devices").GetInt32(), receipt.GetProperty("fencedEpochs").GetInt32()));
        Assert.NotEqual("0", receipt.GetProperty("doneUnixMs").GetString());

        AssertNothingLeft(collector, batches);
        Assert.Equal(2, (await collector.TryTelemetryAsync("samples", "--user", Gone)).ExitCode);
        Assert.Equal(2, (await collector.TryTelemetryAsync("scenarios", "list", "--user", Gone)).ExitCode);
        Assert.Equal(othersSamples, await collector.TelemetryAsync("samples", "--user", Stays, "--csv"));
        Assert.Equal(othersScenarios, await collector.TelemetryAsync("scenarios", "list", "--user", Stays, "--json"));
        Assert.Equal(receipt.ToString(), Json(await collector.TelemetryAsync("erase", "--user", Gone, "--yes", "--json")).ToString());

        // The same after a restart: nothing comes back from a checkpoint, an index or the derivation.
        await collector.KillAsync();
        await collector.StartAgainAsync();
        Assert.Equal(othersScenarios, await collector.TelemetryAsync("scenarios", "list", "--user", Stays, "--json"));
        Assert.Equal(0, await collector.TerminateAsync());
        AssertNothingLeft(collector, batches);
        Assert.Contains("Sound", await collector.TelemetryAsync("doctor", "--data", collector.DataFolder), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Erase_NobodyKnown_IsRefused()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        (int exit, _, string transcript) = await collector.TryTelemetryAsync("erase", "--user", "nobody", "--yes");
        Assert.Equal(2, exit);
        Assert.Contains("no such user", transcript, StringComparison.Ordinal);
    }

    [RealPartFact("influxd")]
    public async Task Erase_InfluxDbIsAway_EndsOnceItIsBack()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await using CollectorProcess collector = await WithTwoPeopleAsync("--influx", influx.Url.ToString(), "--influx-segments");
        string[] devices = ["band-0001", "band-0002"];
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(100));
        while (!(await HeartRatesAsync(influx)).SequenceEqual(devices) || !(await PeopleAsync(influx)).SequenceEqual([Gone, Stays])) await look.WaitForNextTickAsync(limit.Token);

        await influx.KillAsync();
        (int exit, string output, string transcript) = await collector.TryTelemetryAsync("erase", "--user", Gone, "--yes", "--json");
        Assert.True(exit == 1, transcript);
        Assert.NotEqual("", Json(output).GetProperty("left").GetString());

        await influx.StartAsync();
        while (Json((await collector.TryTelemetryAsync("erase", "--user", Gone, "--yes", "--json")).Output).GetProperty("doneUnixMs").GetString() == "0") await look.WaitForNextTickAsync(limit.Token);
        Assert.Equal(devices[1..], await HeartRatesAsync(influx));
        Assert.Equal([Stays], await PeopleAsync(influx));
    }

    private static Task<string[]> HeartRatesAsync(RealInflux influx) => TagsAsync(influx, "SELECT count(\"value\") FROM \"heart_rate\" GROUP BY \"device\"", "device");

    private static Task<string[]> PeopleAsync(RealInflux influx) => TagsAsync(influx, "SELECT count(\"scenario\") FROM \"scenario\" GROUP BY \"user\"", "user");

    private static async Task<string[]> TagsAsync(RealInflux influx, string query, string tag) =>
        [.. (await influx.SeriesAsync(query)).Select(series => series.GetProperty("tags").GetProperty(tag).GetString()!).Order(StringComparer.Ordinal)];

    private static async Task<CollectorProcess> WithTwoPeopleAsync(params string[] options)
    {
        CollectorProcess collector = await CollectorProcess.StartAsync(options);
        await collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "6", "--hours", "8", "--seed", "3", "--json");
        return collector;
    }

    // The data folder as it lies on the disk, deleted pages and truncated files included: no file names the user, none holds a batch.
    private static void AssertNothingLeft(CollectorProcess collector, List<byte[]> batches)
    {
        byte[] name = Encoding.UTF8.GetBytes(Gone);
        foreach (string file in Directory.EnumerateFiles(collector.DataFolder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            ReadOnlyMemory<byte> bytes = WithoutReservedSpace(ReadShared(file));
            Assert.True(bytes.Span.IndexOf(name) < 0, $"{file} names the user");
            Assert.DoesNotContain(batches, batch => bytes.Span.IndexOf(batch) >= 0);
        }
    }

    // A segment that is being written is 64 MiB of zeros behind its records. A checksum may end in zeros too, so a few of them stay.
    private static ReadOnlyMemory<byte> WithoutReservedSpace(byte[] bytes) => bytes.AsMemory(0, Math.Min(bytes.Length, bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1 + sizeof(uint)));

    private static byte[] LogBytes(CollectorProcess collector) =>
        [.. Directory.EnumerateFiles(Path.Combine(collector.DataFolder, "log"), "*.seg").SelectMany(file => ReadShared(file).AsSpan(0, 1 << 20).ToArray())];

    private static byte[] ReadShared(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static async Task<string> TextAsync(ZipArchive archive, string name)
    {
        using StreamReader reader = new(archive.GetEntry(name)!.Open());
        return await reader.ReadToEndAsync();
    }

    private static byte[] Bytes(ZipArchive archive, string name)
    {
        using MemoryStream bytes = new();
        using (Stream entry = archive.GetEntry(name)!.Open()) entry.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
