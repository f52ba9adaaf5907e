using Telemetry.Simulator.People;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Devices;

/// <summary>A sensor in a person's bedroom (Profiles/room-1.json): movement, light, air, bed and door once a minute.</summary>
internal static class RoomSensor
{
    private const int RoomMotion = 1, Light = 2, Co2 = 3, Temperature = 4, Humidity = 5, Bed = 6, Door = 7;
    private const int MinuteMs = 60_000;
    private const double OutdoorCo2 = 430, SleeperCo2 = 1150, AirMinutes = 70;

    public static IEnumerable<Reading> Readings(Body body, long startUnixMs, Range minutes)
    {
        (int first, int count) = minutes.GetOffsetAndLength(body.Truth.Length);
        SeededRandom random = SeededRandom.For(body.Person.Seed, (ulong)body.Person.Index, 0x2003);
        double co2 = body.Truth.Span[first].Activity == Activity.Sleep ? SleeperCo2 : OutdoorCo2;
        for (int minute = first; minute < first + count; minute++)
        {
            TrueMinute now = body.Truth.Span[minute];
            long start = startUnixMs + ((long)(minute - first) * MinuteMs);
            int hour = minute / 60 % 24;
            bool isAsleep = now.Activity == Activity.Sleep;
            bool isAwakeAtHome = now is { Place: Place.Home, Activity: not Activity.Sleep };
            co2 += (((isAsleep ? SleeperCo2 : OutdoorCo2) - co2) / AirMinutes) + (2 * random.Gaussian());
            double daylight = hour is >= 7 and < 18 ? 180 * Math.Sin((hour - 6) * Math.PI / 13) : 0;
            double lamp = isAwakeAtHome && hour is < 8 or >= 18 ? 110 : 0;

            yield return new Reading(start, RoomMotion, isAwakeAtHome ? random.Count(1.6, 1.2) : isAsleep && random.Chance(0.03) ? 1 : 0, 0);
            yield return new Reading(start, Light, isAsleep ? 0 : random.Count(daylight + lamp, 4), 0);
            yield return new Reading(start, Co2, (int)Math.Round(co2), 0);
            yield return new Reading(start, Temperature, (int)Math.Round((19.5 + (isAsleep ? 0.8 : 0) + (0.1 * random.Gaussian())) * 10), 0);
            yield return new Reading(start, Humidity, (int)Math.Round(46 + (isAsleep ? 4 : 0) + (0.6 * random.Gaussian())), 0);
            yield return new Reading(start, Bed, isAsleep ? 1 : 0, 0);
            yield return new Reading(start, Door, isAwakeAtHome && random.Chance(0.1) ? 1 : 0, 0);
        }
    }
}
