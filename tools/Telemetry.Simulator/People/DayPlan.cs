namespace Telemetry.Simulator.People;

/// <summary>Plans a person's days minute by minute: sleep, meals, ways to work, desk with breaks, sport, evenings, charging.</summary>
public static class DayPlan
{
    /// <summary>Minutes of a day.</summary>
    public const int MinutesPerDay = 1440;

    /// <summary>The truth of whole days that follow each other.</summary>
    /// <param name="person">Whose days.</param>
    /// <param name="firstDay">Number of the first day; day 0 is a Monday.</param>
    /// <param name="days">How many, at least 1.</param>
    public static TrueMinute[] Plan(Person person, int firstDay, int days)
    {
        TrueMinute[] minutes = new TrueMinute[days * MinutesPerDay];
        for (int day = 0; day < days; day++)
        {
            DayWriter writer = new(minutes.AsSpan(day * MinutesPerDay, MinutesPerDay));
            SeededRandom random = SeededRandom.For(person.Seed, (ulong)person.Index, 0xDA1, (ulong)(firstDay + day));
            bool isWorkday = (firstDay + day) % 7 < 5;
            int wake = person.WakeMinute + random.Between(-15, 15) + (isWorkday ? 0 : 60);
            Night(ref writer, wake, ref random);
            if (isWorkday) Workday(person, firstDay + day, ref writer, ref random);
            else Weekend(person, ref writer, ref random);
            Evening(person, firstDay + day, ref writer, ref random);
        }

        return minutes;
    }

    private static void Night(ref DayWriter day, int wake, ref SeededRandom random)
    {
        // One night in three has a spell of lying awake, or a walk to the kitchen and back.
        if (random.Chance(0.35))
        {
            day.Until(random.Between(90, 240), Activity.Sleep, Place.Home);
            day.For(random.Between(5, 15), Activity.Rest, Place.Home);
        }

        day.Until(wake, Activity.Sleep, Place.Home);
    }

    private static void Workday(Person person, int number, ref DayWriter day, ref SeededRandom random)
    {
        day.For(random.Between(35, 60), Activity.Rest, Place.Home);
        Way(person, ref day, ref random);
        int lunch = random.Between(705, 750);
        DeskUntil(lunch, ref day, ref random);
        day.For(random.Between(8, 15), Activity.Walk, Place.Other);
        day.For(random.Between(20, 30), Activity.Rest, Place.Work);
        DeskUntil(random.Between(990, 1050), ref day, ref random);
        Way(person, ref day, ref random);
        day.For(random.Between(20, 45), Activity.Rest, Place.Home);
        if ((number + person.Index) % 2 == 0) Sport(person.Sport, ref day, ref random);
    }

    private static void Weekend(Person person, ref DayWriter day, ref SeededRandom random)
    {
        day.For(random.Between(60, 110), Activity.Rest, Place.Home);
        Sport(person.Sport, ref day, ref random);
        day.For(random.Between(50, 90), Activity.Rest, Place.Home);
        int ride = random.Between(18, 45);
        day.For(ride, Activity.Vehicle, Place.Other);
        day.For(random.Between(40, 80), Activity.Walk, Place.Other);
        day.For(random.Between(40, 80), Activity.Rest, Place.Other);
        day.For(ride, Activity.Vehicle, Place.Other);
        day.For(random.Between(60, 120), Activity.Rest, Place.Home);
        day.For(random.Between(25, 45), Activity.Walk, Place.Other);
    }

    private static void Evening(Person person, int number, ref DayWriter day, ref SeededRandom random)
    {
        day.For(random.Between(20, 40), Activity.Rest, Place.Home);
        int bed = person.BedMinute + random.Between(-15, 15);
        if ((number % 2 == 0) == person.ChargesOnEvenDays)
        {
            int minutes = Math.Min(random.Between(35, 60), bed - day.Minute - 10);
            day.For(minutes, Activity.Rest, Place.Home, isBandOff: true);
        }

        day.Until(bed, Activity.Rest, Place.Home);
        day.Until(MinutesPerDay, Activity.Sleep, Place.Home);
    }

    private static void Way(Person person, ref DayWriter day, ref SeededRandom random)
    {
        int minutes = person.CommuteMinutes + random.Between(-3, 6);
        if (person.Commute == Activity.Vehicle) day.For(random.Between(4, 8), Activity.Walk, Place.Other);
        day.For(minutes, person.Commute, Place.Other);
        if (person.Commute == Activity.Vehicle) day.For(random.Between(4, 8), Activity.Walk, Place.Other);
    }

    private static void DeskUntil(int minute, ref DayWriter day, ref SeededRandom random)
    {
        while (minute - day.Minute > 75)
        {
            day.For(random.Between(45, 70), Activity.Desk, Place.Work);
            day.For(random.Between(3, 6), Activity.Walk, Place.Work);
        }

        day.Until(minute, Activity.Desk, Place.Work);
    }

    private static void Sport(Activity sport, ref DayWriter day, ref SeededRandom random)
    {
        switch (sport)
        {
            case Activity.Run:
                day.For(random.Between(4, 7), Activity.Walk, Place.Other);
                day.For(random.Between(26, 48), Activity.Run, Place.Other);
                day.For(random.Between(4, 8), Activity.Walk, Place.Other);
                break;
            case Activity.Cycle:
                day.For(random.Between(35, 70), Activity.Cycle, Place.Other);
                break;
            default:
                day.For(random.Between(7, 12), Activity.Walk, Place.Other);
                day.For(random.Between(40, 60), Activity.Workout, Place.Other);
                day.For(random.Between(7, 12), Activity.Walk, Place.Other);
                break;
        }
    }

    /// <summary>Fills one day from its first minute on; what goes beyond its end is cut.</summary>
    private ref struct DayWriter(Span<TrueMinute> minutes)
    {
        private readonly Span<TrueMinute> _minutes = minutes;

        public int Minute { get; private set; }

        public void For(int count, Activity activity, Place place, bool isBandOff = false) => Until(Minute + count, activity, place, isBandOff);

        public void Until(int minute, Activity activity, Place place, bool isBandOff = false)
        {
            for (; Minute < Math.Min(minute, _minutes.Length); Minute++) _minutes[Minute] = new TrueMinute(activity, place, isBandOff);
        }
    }
}
