using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Fit;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Tests.Fit;

public sealed class FitSourceTests : IDisposable
{
    private const long FirstTimestamp = 1_000_000_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("fit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Devices_DamagedFileAmongGoodOnes_RestGoesOn()
    {
        byte[] whole = Activity(10);
        File.WriteAllBytes(Path.Combine(_folder, "a good one.fit"), whole);
        File.WriteAllBytes(Path.Combine(_folder, "b.fit"), whole[..^20]);
        File.WriteAllBytes(Path.Combine(_folder, "c.FIT"), [1, 2, 3]);

        FitSource source = FitSource.Open(_folder, "fit", StandardProfiles.FitWatch);
        DeviceSource[] devices = [.. source.Devices()];

        Assert.Equal(["fit/watch-a-good-one", "fit/watch-b"], devices.Select(device => device.Name));
        Assert.Equal(20, devices[0].Readings.Count());
        Assert.Equal(2, source.FaultCount);
        Assert.Contains("b.fit: damaged at byte", source.Faults[0], StringComparison.Ordinal);
        Assert.Contains("c.FIT: damaged at byte 0: found 3 bytes, expected a FIT header", source.Faults[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Readings_RunningDistance_BecomesCountsSinceTheSampleBefore()
    {
        File.WriteAllBytes(Path.Combine(_folder, "a.fit"), Activity(4));

        DeviceSource device = FitSource.Open(Path.Combine(_folder, "a.fit"), "fit", StandardProfiles.FitWatch).Devices().Single();

        Assert.Equal([0, 300, 300, 300], device.Readings.Where(reading => reading.Signal == 4).Select(reading => reading.Scaled));
    }

    [Fact]
    public void Open_NothingThere_SaysWhatIsExpected()
    {
        Assert.Contains("does not exist", Assert.Throws<InputException>(() => FitSource.Open(Path.Combine(_folder, "x"), "fit", StandardProfiles.FitWatch)).Message, StringComparison.Ordinal);
        Assert.Contains("ends in .fit", Assert.Throws<InputException>(() => FitSource.Open(_folder, "fit", StandardProfiles.FitWatch)).Message, StringComparison.Ordinal);
    }

    private static byte[] Activity(int records)
    {
        FitFileWriter writer = new FitFileWriter().Define(0, 20, [(253, 4, FitBaseType.UInt32), (3, 1, FitBaseType.UInt8), (5, 4, FitBaseType.UInt32)]);
        for (int index = 0; index < records; index++) writer.Data(0, (FirstTimestamp + index, 4), (100 + index, 1), (index * 300, 4));
        return writer.Build();
    }
}
