namespace Telemetry.Simulator.People;

/// <summary>The habits and the body of a simulated person, drawn from a seed.</summary>
public sealed class Person
{
    private Person(ulong seed, int index)
    {
        Seed = seed;
        Index = index;
        SeededRandom random = SeededRandom.For(seed, (ulong)index, 0xB0D7);
        RestingHeartRate = random.Between(50d, 68d);
        MaxHeartRate = random.Between(176d, 194d);
        WalkCadence = random.Between(98d, 116d);
        RunCadence = random.Between(158d, 174d);
        WakeMinute = random.Between(360, 435);
        BedMinute = random.Between(1320, 1400);
        Commute = random.NextDouble() switch
        {
            < 0.5 => Activity.Vehicle,
            < 0.8 => Activity.Cycle,
            _ => Activity.Walk,
        };
        CommuteMinutes = Commute == Activity.Vehicle ? random.Between(20, 45) : random.Between(16, 32);
        Sport = random.NextDouble() switch
        {
            < 0.5 => Activity.Run,
            < 0.8 => Activity.Workout,
            _ => Activity.Cycle,
        };
        ChargesOnEvenDays = random.Chance(0.5);
    }

    /// <summary>Seed of the fleet.</summary>
    public ulong Seed { get; }

    /// <summary>Number within the fleet, from 0.</summary>
    public int Index { get; }

    /// <summary>1/min, lying awake.</summary>
    public double RestingHeartRate { get; }

    /// <summary>1/min.</summary>
    public double MaxHeartRate { get; }

    /// <summary>Steps a minute.</summary>
    public double WalkCadence { get; }

    /// <summary>Steps a minute.</summary>
    public double RunCadence { get; }

    /// <summary>Usual minute of the day of getting up.</summary>
    public int WakeMinute { get; }

    /// <summary>Usual minute of the day of going to bed.</summary>
    public int BedMinute { get; }

    /// <summary>How the person gets to work.</summary>
    public Activity Commute { get; }

    /// <summary>One way.</summary>
    public int CommuteMinutes { get; }

    /// <summary>What is done for sport.</summary>
    public Activity Sport { get; }

    /// <summary>On which days the wristband is charged in the evening.</summary>
    public bool ChargesOnEvenDays { get; }

    /// <summary>The person with this number; the same for the same seed.</summary>
    public static Person Create(ulong seed, int index) => new(seed, index);
}
