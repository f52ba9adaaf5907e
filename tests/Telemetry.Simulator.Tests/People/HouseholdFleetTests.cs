using Telemetry.Simulator.People;
using Telemetry.Simulator.Sources;
using Telemetry.Wire.Profiles;

namespace Telemetry.Simulator.Tests.People;

public class HouseholdFleetTests
{
    private const int Week = 7 * 1440;

    [Fact]
    public void Fleet_SameSeed_SameReadings()
    {
        FleetOptions options = new(Seed: 7, People: 3, Minutes: 600);

        Assert.Equal(All(HouseholdFleet.Create(options)), All(HouseholdFleet.Create(options)));
        Assert.NotEqual(All(HouseholdFleet.Create(options)), All(HouseholdFleet.Create(options with { Seed = 8 })));
    }

    [Fact]
    public void Readings_OfEveryDevice_AscendAndFitTheirProfile()
    {
        foreach (DeviceSource device in HouseholdFleet.Create(new FleetOptions(Seed: 1, People: 6, Minutes: 2 * 1440)).Devices())
        {
            long last = 0, count = 0;
            foreach (Reading reading in device.Readings)
            {
                SignalDefinition signal = Assert.IsType<SignalDefinition>(device.Profile.Model.Find(reading.Signal));
                Assert.InRange(reading.Scaled * signal.Resolution, signal.Min, signal.Max);
                Assert.True(reading.UnixMs >= last, $"{device.Name}: {reading.UnixMs} after {last}");
                last = reading.UnixMs;
                count++;
            }

            Assert.True(count > 0, device.Name);
        }
    }

    [Fact]
    public void Truth_CoversEveryMinuteWithPlausibleShares()
    {
        HouseholdFleet fleet = HouseholdFleet.Create(new FleetOptions(Seed: 1, People: 40, Minutes: Week));

        Dictionary<string, double> shares = [];
        foreach (SimulatedUser user in fleet.Users)
        {
            Assert.Equal(Week, user.Truth.Length);
            foreach ((string scenario, int minutes) in user.ScenarioMinutes) shares[scenario] = shares.GetValueOrDefault(scenario) + (minutes / (40d * Week));
        }

        Assert.Equal(["cycle", "desk", "off", "rest", "run", "sleep", "vehicle", "walk", "workout"], shares.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(shares["sleep"], 0.28, 0.40);
        Assert.InRange(shares["desk"], 0.15, 0.30);
        Assert.InRange(shares["off"], 0.005, 0.03);
        Assert.InRange(shares["run"], 0.002, 0.03);
    }

    [Fact]
    public void Band_OffTheWrist_ChargesAndKeepsSilentAboutTheHeart()
    {
        HouseholdFleet fleet = HouseholdFleet.Create(new FleetOptions(Seed: 3, People: 1, Minutes: 2 * 1440));
        ReadOnlySpan<TrueMinute> truth = fleet.Users[0].Truth.Span;
        DeviceSource band = fleet.Devices().First();

        int offMinutes = 0;
        foreach (Reading reading in band.Readings)
        {
            bool isOff = truth[(int)((reading.UnixMs - fleet.Options.StartUnixMs) / 60_000)].IsBandOff;
            Assert.Equal(isOff ? Reading.Charging : Reading.Worn, reading.Quality);
            if (!isOff) continue;
            Assert.NotEqual(1, reading.Signal); // heart_rate
            if (reading.Signal == 8) offMinutes += reading.Scaled; // charging
        }

        Assert.InRange(offMinutes, 35, 240);
    }

    [Fact]
    public void MaxDevices_CutsTheFleetThere()
    {
        FleetOptions options = new(Seed: 1, People: 100, Minutes: 60) { MaxDevices = 17 };

        Assert.Equal(17, HouseholdFleet.Create(options).Devices().Count());
    }

    private static List<(string, Reading)> All(HouseholdFleet fleet) =>
        [.. fleet.Devices().SelectMany(device => device.Readings.Select(reading => (device.Name, reading)))];
}
