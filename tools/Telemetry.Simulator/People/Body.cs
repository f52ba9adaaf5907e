namespace Telemetry.Simulator.People;

/// <summary>What a person's body and surroundings do in one minute, before any sensor adds its noise.</summary>
/// <param name="Truth">The plan.</param>
/// <param name="StepsPerMinute">Steps truly taken.</param>
/// <param name="Motion">Wrist movement in activity counts a minute.</param>
/// <param name="SpeedMetersPerSecond">Over ground; NaN indoors, where nothing measures it.</param>
/// <param name="HeartRate">What the heart tends to, 1/min.</param>
/// <param name="IsScreenOn">The person's phone or computer is looked at.</param>
public readonly record struct BodyMinute(
    TrueMinute Truth, double StepsPerMinute, double Motion, double SpeedMetersPerSecond, double HeartRate, bool IsScreenOn);

/// <summary>The body of a person, minute by minute: a pure function of the seed, so that all devices on it agree.</summary>
public sealed class Body(Person person, TrueMinute[] truth)
{
    /// <summary>Whose body.</summary>
    public Person Person { get; } = person;

    /// <summary>The plan it follows.</summary>
    public ReadOnlyMemory<TrueMinute> Truth => truth;

    /// <summary>One minute, counted from the start of the plan.</summary>
    public BodyMinute At(int minute)
    {
        TrueMinute now = truth[minute];
        SeededRandom random = SeededRandom.For(Person.Seed, (ulong)Person.Index, 0xB0DE, (ulong)minute);
        double reserve = Person.MaxHeartRate - Person.RestingHeartRate;
        double heart = Person.RestingHeartRate + (reserve * Effort(now.Activity, ref random));
        (double steps, double motion, double speed, double screen) = now.Activity switch
        {
            Activity.Sleep => (0, random.Chance(0.07) ? random.Between(5d, 60d) : random.Between(0d, 3d), double.NaN, 0.005),
            Activity.Rest => (random.Chance(0.18) ? random.Between(4d, 26d) : 0, random.Between(15d, 130d), double.NaN, 0.35),
            Activity.Desk => (random.Chance(0.06) ? random.Between(2d, 12d) : 0, random.Between(12d, 75d), double.NaN, 0.9),
            Activity.Walk => (Person.WalkCadence + (6 * random.Gaussian()), random.Between(320d, 480d), random.Between(1.15, 1.55), 0.06),
            Activity.Run => (Person.RunCadence + (4 * random.Gaussian()), random.Between(800d, 1100d), random.Between(2.6, 3.5), 0.01),
            Activity.Cycle => (random.Chance(0.2) ? random.Between(2d, 14d) : 0, random.Between(130d, 280d), random.Between(4.2, 7.2), 0.02),
            Activity.Vehicle => (random.Chance(0.08) ? random.Between(2d, 8d) : 0, random.Between(30d, 110d), VehicleSpeed(ref random), 0.2),
            _ => (random.Between(8d, 75d), random.Between(380d, 850d), double.NaN, 0.04),
        };
        bool isOutdoors = now.Place == Place.Other;
        return new BodyMinute(now, Math.Max(0, steps), motion, isOutdoors ? speed : double.NaN, heart, random.Chance(screen));
    }

    // Share of the heart rate reserve (Karvonen): moderate effort is 40-59 %, vigorous 60-89 % (ACSM guidelines).
    private static double Effort(Activity activity, ref SeededRandom random) => activity switch
    {
        Activity.Sleep => random.Between(-0.07, -0.02),
        Activity.Rest => random.Between(0.04, 0.12),
        Activity.Desk => random.Between(0.07, 0.15),
        Activity.Walk => random.Between(0.26, 0.38),
        Activity.Run => random.Between(0.68, 0.84),
        Activity.Cycle => random.Between(0.46, 0.62),
        Activity.Vehicle => random.Between(0.08, 0.16),
        _ => random.Between(0.42, 0.74),
    };

    // Town traffic: one minute in five is spent at lights.
    private static double VehicleSpeed(ref SeededRandom random) => random.Chance(0.2) ? random.Between(0.2, 3) : random.Between(7d, 19d);
}
