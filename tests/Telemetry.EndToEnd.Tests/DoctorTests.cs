using System.Text.Json;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary><c>telemetry doctor</c> over folders that real collectors left, whole and damaged.</summary>
public sealed class DoctorTests
{
    private const int Done = 0, NotSo = 1, BadInput = 2, Unreachable = 3;
    private const int SegmentHeaderBytes = 128, InsideFirstRecord = SegmentHeaderBytes + 200;
    private const int Batches = 3;

    [Fact]
    public async Task Doctor_FoldersOfARealCollector_TellsSoundFromDamagedAndNamesWhere()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        WireDevice device = await WireDevice.ConnectAsync(collector.MqttPort, "acme/band", secret);
        await device.PublishAsync(1, Batches);
        await device.AnsweredAsync();
        Assert.Equal(Batches, device.Acked.Count);
        (int exit, _, string transcript) = await DoctorAsync(collector);
        Assert.True(exit == Unreachable && transcript.Contains("in use", StringComparison.Ordinal), transcript);

        await collector.KillAsync();
        JsonElement found = await FoundAsync(collector, Done);
        Assert.Equal((true, Batches, 0, 0, 0L), (Sound(found), Count(found, "batches"), Count(found, "duplicates"), Count(found, "missing"), found.GetProperty("damagedBytes").GetInt64()));

        // A rotted byte costs its record, and the collector starts all the same.
        string segment = Assert.Single(Directory.GetFiles(Path.Combine(collector.DataFolder, "log"), "*.seg"));
        Flip(segment, InsideFirstRecord);
        found = await FoundAsync(collector, NotSo);
        Assert.Equal((false, Batches - 1), (Sound(found), Count(found, "batches")));
        Assert.Equal(Path.GetFileName(segment), Assert.Single(found.GetProperty("damaged").EnumerateArray()).GetProperty("file").GetString());
        await collector.StartAgainAsync();
        Assert.Equal(Done, await collector.TerminateAsync());

        // Both copies of a segment's header: nothing of it can be read, and it is named.
        Flip(segment, 0);
        Flip(segment, SegmentHeaderBytes / 2);
        found = await FoundAsync(collector, NotSo);
        Assert.Equal(Path.GetFileName(segment), found.GetProperty("unreadableSegments").EnumerateArray().First().GetString());
        await collector.StartAgainAsync();
        Assert.Equal(Done, await collector.TerminateAsync());

        using TempFolder empty = new();
        (exit, _, transcript) = await collector.TryTelemetryAsync("doctor", "--data", empty.Path);
        Assert.True(exit == BadInput && transcript.Contains("holds no log", StringComparison.Ordinal), transcript);
    }

    private static async Task<JsonElement> FoundAsync(CollectorProcess collector, int expected)
    {
        (int exit, string output, string transcript) = await DoctorAsync(collector);
        Assert.True(exit == expected, $"exit {exit}\n{transcript}");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    private static Task<(int ExitCode, string Output, string Transcript)> DoctorAsync(CollectorProcess collector) =>
        collector.TryTelemetryAsync("doctor", "--data", collector.DataFolder, "--json");

    private static bool Sound(JsonElement found) => found.GetProperty("sound").GetBoolean();

    private static int Count(JsonElement found, string name) => found.GetProperty(name).GetInt32();

    private static void Flip(string file, long offset)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = offset;
        int rotted = stream.ReadByte() ^ 0x40;
        stream.Position = offset;
        stream.WriteByte((byte)rotted);
    }
}
