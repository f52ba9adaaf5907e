using Telemetry.Simulator.SmartHome;
using Telemetry.Simulator.Sources;
using Telemetry.Testing;

namespace Telemetry.Simulator.Tests.SmartHome;

public sealed class SmartHomeSourceTests
{
    private const long Start = 1_322_476_860_000; // 2011-11-28 10:41:00 UTC

    [Fact]
    public void Devices_OrdonezLines_StatesHoldByTheMinuteAndMovementCounts()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder.File("HomeA_Sensors.txt"), """
            Start time          	End time            	Location	Type		Place
            --------------------	--------------------	--------	--------	-----
            2011-11-28 10:41:00		2011-11-28 10:43:30		Bed			Pressure	Bedroom
            2011-11-28 10:41:05		2011-11-28 10:42:10		Basin		PIR			Bathroom
            2011-11-28 10:41:10		2011-11-28 10:41:10		Maindoor	Magnetic	Entrance
            2011-11-28 10:50:00		2011-11-28 10:40:00		Seat		Pressure	Living
            2011-11-28 10:50:00		Seat
            """);

        SmartHomeSource source = SmartHomeSource.Open(folder.Path, "homes");
        Dictionary<string, DeviceSource> devices = source.Devices().ToDictionary(device => device.Device, StringComparer.Ordinal);

        Assert.Equal(["homea-basin-bathroom", "homea-bed-bedroom", "homea-maindoor-entrance"], devices.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            [(Start, 5, 1), (Start, 3, 1), (Start + 60_000, 3, 1), (Start + 120_000, 3, 1), (Start + 150_000, 3, 0)],
            devices["homea-bed-bedroom"].Readings.Select(reading => (reading.UnixMs, reading.Signal, reading.Scaled)));
        Assert.Equal([(5, 4), (1, 1), (1, 1)], devices["homea-basin-bathroom"].Readings.Select(reading => (reading.Signal, reading.Scaled)));
        Assert.Equal([6, 1], devices["homea-maindoor-entrance"].Readings.Select(reading => reading.Scaled));
        Assert.Equal(2, source.FaultCount);
        Assert.Contains("HomeA_Sensors.txt line 6: '2011-11-28 10:50:00' to '2011-11-28 10:40:00'", source.Faults[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NothingThere_SaysWhatIsExpected()
    {
        using TempFolder folder = new();

        Assert.Contains("_Sensors.txt", Assert.Throws<InputException>(() => SmartHomeSource.Open(folder.Path, "homes")).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<InputException>(() => SmartHomeSource.Open(folder.File("x"), "homes")).Message, StringComparison.Ordinal);
    }

    [RealPartFact("data:smarthome")]
    public void RealHomes_ReadWithoutFaults()
    {
        SmartHomeSource source = SmartHomeSource.Open(Path.Combine(RealParts.DataFolder!, "smarthome"), "homes");

        DeviceSource[] devices = [.. source.Devices()];

        Assert.Equal([], source.Faults);
        Assert.Equal((12, 14), (devices.Count(device => device.User == "home-ordoneza"), devices.Count(device => device.User == "home-kasteren")));
        foreach (DeviceSource device in devices)
        {
            long[] times = [.. device.Readings.Select(reading => reading.UnixMs)];
            Assert.Equal(times.Order(), times);
        }
    }
}
