using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.People;

/// <summary>What <see cref="HouseholdFleet"/> is made from.</summary>
/// <param name="Seed">Everything follows from it: the same options give the same readings, byte for byte.</param>
/// <param name="People">Number of people, at least 1. Each has a wristband and a room sensor; who walks to work or runs has a shoe, too.</param>
/// <param name="Minutes">Simulated minutes, at least 1.</param>
public sealed record FleetOptions(ulong Seed, int People, int Minutes)
{
    /// <summary>First instant, a whole minute, at <see cref="StartMinuteOfDay"/> of the plans. Default Monday 2026-03-02 06:00 UTC.</summary>
    public long StartUnixMs { get; init; } = 1_772_431_200_000;

    /// <summary>Minutes since Monday 00:00, UTC, at <see cref="StartUnixMs"/>; 0 or more. Default Monday 06:00.</summary>
    public int StartMinuteOfDay { get; init; } = 360;

    /// <summary>How likely people answer truly when their wristband asks what they did, 0..1. Default 1.</summary>
    public double Truthfulness { get; init; } = 1;

    /// <summary>Devices to stop at, in the order people get them; null = all.</summary>
    public int? MaxDevices { get; init; }
}

/// <summary>A simulated person as the collector knows them: a user, with the truth that nobody else has.</summary>
/// <param name="User">User key.</param>
/// <param name="Truth">One entry a simulated minute.</param>
public sealed record SimulatedUser(string User, ReadOnlyMemory<TrueMinute> Truth)
{
    /// <summary>Minutes by scenario.</summary>
    public IReadOnlyDictionary<string, int> ScenarioMinutes { get; } = Count(Truth.Span);

    private static SortedDictionary<string, int> Count(ReadOnlySpan<TrueMinute> truth)
    {
        SortedDictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (TrueMinute minute in truth) counts[minute.Scenario] = counts.GetValueOrDefault(minute.Scenario) + 1;
        return counts;
    }
}

/// <summary>A household fleet over persona days: seeded people, their wristbands, shoes and bedroom sensors, of three brands.</summary>
public sealed class HouseholdFleet : IFleetSource
{
    /// <summary>Brand of the wristbands.</summary>
    public const string BandBrand = "lumo";

    /// <summary>Brand of the shoes.</summary>
    public const string ShoeBrand = "strada";

    /// <summary>Brand of the room sensors.</summary>
    public const string RoomBrand = "hearth";

    private readonly List<DeviceSource> _devices = [];
    private readonly List<SimulatedUser> _users = [];

    private HouseholdFleet(FleetOptions options)
    {
        Options = options;
        int days = (options.StartMinuteOfDay + options.Minutes + DayPlan.MinutesPerDay - 1) / DayPlan.MinutesPerDay;
        Range span = options.StartMinuteOfDay..(options.StartMinuteOfDay + options.Minutes);
        for (int index = 0; index < options.People && HasRoom; index++)
        {
            Person person = Person.Create(options.Seed, index);
            Body body = new(person, DayPlan.Plan(person, 0, days));
            string number = $"{index + 1:D4}";
            string user = $"person-{number}";
            _users.Add(new SimulatedUser(user, body.Truth[span]));
            Add(BandBrand, $"band-{number}", user, StandardProfiles.Band, Wristband.Readings(body, options.StartUnixMs, span), new Respondent(person, body.Truth[span], options.StartUnixMs, options.Truthfulness));
            Add(RoomBrand, $"bedroom-{number}", user, StandardProfiles.Room, RoomSensor.Readings(body, options.StartUnixMs, span));
            if (person.Sport == Activity.Run || person.Commute == Activity.Walk)
            {
                Add(ShoeBrand, $"shoe-{number}", user, StandardProfiles.Shoe, SmartShoe.Readings(body, options.StartUnixMs, span));
            }
        }
    }

    /// <summary>What it was made from.</summary>
    public FleetOptions Options { get; }

    /// <summary>The people, in order.</summary>
    public IReadOnlyList<SimulatedUser> Users => _users;

    /// <inheritdoc/>
    public string Name => "household fleet";

    /// <inheritdoc/>
    public IReadOnlyList<string> Faults => [];

    /// <inheritdoc/>
    public long FaultCount => 0;

    private bool HasRoom => Options.MaxDevices is not int most || _devices.Count < most;

    /// <summary>Plans the people's days; readings are made when they are read.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is below 1.</exception>
    public static HouseholdFleet Create(FleetOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.People, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Minutes, 1);
        return new HouseholdFleet(options);
    }

    /// <inheritdoc/>
    public IEnumerable<DeviceSource> Devices() => _devices;

    private void Add(string brand, string device, string user, DeviceProfile profile, IEnumerable<Reading> readings, IRespondent? respondent = null)
    {
        if (HasRoom) _devices.Add(new DeviceSource(brand, device, user, profile, readings) { Respondent = respondent });
    }
}
