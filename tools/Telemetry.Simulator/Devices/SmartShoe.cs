using Telemetry.Simulator.People;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Devices;

/// <summary>A shoe with a foot pod (Profiles/stride-1.json): wakes when somebody walks or runs in it, measures every 10 s, sleeps otherwise.</summary>
internal static class SmartShoe
{
    private const int FootStrikes = 1, Cadence = 2, Speed = 3, Temperature = 4;
    private const int PeriodMs = 10_000, MinuteMs = 60_000;

    public static IEnumerable<Reading> Readings(Body body, long startUnixMs, Range minutes)
    {
        (int first, int count) = minutes.GetOffsetAndLength(body.Truth.Length);
        SeededRandom random = SeededRandom.For(body.Person.Seed, (ulong)body.Person.Index, 0x540E);
        for (int minute = first; minute < first + count; minute++)
        {
            BodyMinute now = body.At(minute);
            if (now.Truth.Activity is not (Activity.Walk or Activity.Run)) continue;
            long start = startUnixMs + ((long)(minute - first) * MinuteMs);
            double stride = double.IsNaN(now.SpeedMetersPerSecond) ? now.StepsPerMinute * 0.75 / 60 : now.SpeedMetersPerSecond;
            for (int offset = 0; offset < MinuteMs; offset += PeriodMs)
            {
                // One shoe: half of the steps.
                yield return new Reading(start + offset, FootStrikes, random.Count(now.StepsPerMinute / 12, 0.3), Reading.Worn);
                yield return new Reading(start + offset, Cadence, random.Count(now.StepsPerMinute, 2), Reading.Worn);
                yield return new Reading(start + offset, Speed, (int)Math.Round(Math.Max(0, stride * (1 + (0.03 * random.Gaussian()))) * 100), Reading.Worn);
            }

            yield return new Reading(start + MinuteMs - PeriodMs, Temperature, (int)Math.Round((27 + random.Gaussian()) * 10), Reading.Worn);
        }
    }
}
