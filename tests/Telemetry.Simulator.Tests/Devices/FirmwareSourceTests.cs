using System.Text;
using Telemetry.Device;
using Telemetry.Simulator.Devices;
using Telemetry.Testing;
using Telemetry.Wire.Profiles;

namespace Telemetry.Simulator.Tests.Devices;

public sealed class FirmwareSourceTests
{
    [Theory]
    [InlineData("Wristband")]
    [InlineData("Shoe")]
    [InlineData("RoomSensor")]
    public void Generate_ProfileOfASample_IsTheFileThatStandsThere(string sample)
    {
        string folder = Path.Combine(RealParts.RepositoryRoot, "device", "samples", sample);
        string generated = FirmwareSource.Generate(Read(File.ReadAllText(Path.Combine(folder, "profile.json"))), "profile.json", sample);
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "Signals.cs")), generated);
    }

    [Fact]
    public void Generate_AnotherSignal_AddsOneConstant()
    {
        string before = FirmwareSource.Generate(Read(Profile(Signal(1, "heart_rate"))), "p.json", "X");
        string after = FirmwareSource.Generate(Read(Profile(Signal(1, "heart_rate"), Signal(7, "skin_contact"))), "p.json", "X");
        Assert.DoesNotContain("SkinContact", before, StringComparison.Ordinal);
        Assert.Contains("public const int SkinContact = 7;", after, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_PolicyOfASignal_IsScaledAndTheRestIsNull()
    {
        FirmwareTables tables = new(Read(Profile(Signal(1, "temperature", "\"resolution\": 0.5, \"deadband\": 2, \"minIntervalMs\": 100"), Signal(2, "light"))));
        Assert.Equal([4, -1], tables.Deadbands!);
        Assert.Equal([100, 0], tables.MinIntervalsMs!);
        Assert.Null(tables.MaxIntervalsMs);
        Assert.Null(tables.SdkMetrics);
    }

    [Fact]
    public void Tables_BoundsBeyond32Bits_AreNone()
    {
        FirmwareTables tables = new(Read("""{"model": "m", "version": 1, "signals": [{"id": 1, "key": "big", "unit": "1", "kind": "gauge", "resolution": 1, "min": -1e15, "max": 1e15, "privacy": "device"}]}"""));
        Assert.Equal([int.MinValue], tables.Minimums);
        Assert.Equal([int.MaxValue], tables.Maximums);
    }

    [Theory]
    [InlineData("sdk_queue", SdkMetric.Queue)]
    [InlineData("sdk_dropped_spool_evicted", SdkMetric.DroppedSpoolEvicted)]
    [InlineData("sdk_failed_connects", SdkMetric.FailedConnects)]
    public void Tables_KeyOfTheSdk_NamesItsMetric(string key, SdkMetric metric) =>
        Assert.Equal([(byte)metric], new FirmwareTables(Read(Profile(Signal(1, key)))).SdkMetrics!);

    [Theory]
    [InlineData("sdk_queues")]
    [InlineData("sdk_none")]
    [InlineData("sdk_3")]
    public void Tables_KeyTheSdkDoesNotHave_IsRefusedByName(string key)
    {
        InputException refused = Assert.Throws<InputException>(() => new FirmwareTables(Read(Profile(Signal(1, key)))));
        Assert.Contains($"'{key}'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_TwoKeysOfOneConstant_AreRefused() =>
        Assert.Throws<InputException>(() => FirmwareSource.Generate(Read(Profile(Signal(1, "a_b"), Signal(2, "a__b"))), "p.json", "X"));

    [Theory]
    [InlineData("\"deadband\": -1")]
    [InlineData("\"minIntervalMs\": -1")]
    [InlineData("\"maxIntervalMs\": 86400001")]
    public void Read_PolicyOutOfRange_IsAFault(string field) =>
        Assert.NotEmpty(ProfileReader.Read(Encoding.UTF8.GetBytes(Profile(Signal(1, "x", $"\"resolution\": 1, {field}")))).Faults);

    [Fact]
    public void Hash_PolicyOfASignal_DoesNotChangeIt() =>
        Assert.Equal(Read(Profile(Signal(1, "x"))).Hash, Read(Profile(Signal(1, "x", "\"resolution\": 1, \"deadband\": 3"))).Hash);

    private static string Signal(int id, string key, string rest = "\"resolution\": 1") =>
        $$"""{"id": {{id}}, "key": "{{key}}", "unit": "1", "kind": "gauge", "min": 0, "max": 100, "privacy": "device", {{rest}}}""";

    private static string Profile(params string[] signals) => $$"""{"model": "m", "version": 1, "signals": [{{string.Join(",", signals)}}]}""";

    private static ModelProfile Read(string json)
    {
        ProfileReadResult read = ProfileReader.Read(Encoding.UTF8.GetBytes(json));
        Assert.Empty(read.Faults);
        return read.Profile!;
    }
}
