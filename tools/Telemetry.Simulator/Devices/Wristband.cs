using Telemetry.Simulator.People;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Devices;

/// <summary>A wristband on a person (Profiles/band-2.json): heart rate every 5 s, steps every 10 s, speed outdoors every 15 s, the rest once a minute.</summary>
internal static class Wristband
{
    private const int HeartRate = 1, Steps = 2, Motion = 3, Temperature = 4, Speed = 5, Place = 6, Screen = 7, Charging = 8;
    private const int HeartPeriodMs = 5_000, StepsPeriodMs = 10_000, SpeedPeriodMs = 15_000, MinuteMs = 60_000;

    // A pulse follows effort with about these time constants.
    private const double RiseSeconds = 40, FallSeconds = 75;

    public static IEnumerable<Reading> Readings(Body body, long startUnixMs, Range minutes)
    {
        (int first, int count) = minutes.GetOffsetAndLength(body.Truth.Length);
        SeededRandom random = SeededRandom.For(body.Person.Seed, (ulong)body.Person.Index, 0xBA2D);
        double heart = body.At(first).HeartRate;
        double skin = 32.5;
        for (int minute = first; minute < first + count; minute++)
        {
            BodyMinute now = body.At(minute);
            long start = startUnixMs + ((long)(minute - first) * MinuteMs);
            bool isOff = now.Truth.IsBandOff;
            byte quality = isOff ? Reading.Charging : Reading.Worn;
            skin += (((isOff ? 23.5 : now.Truth.Activity == Activity.Sleep ? 34.4 : 32.6) - skin) / 12) + (0.03 * random.Gaussian());

            yield return new Reading(start, Motion, isOff ? 0 : random.Count(now.Motion, now.Motion * 0.05), quality);
            yield return new Reading(start, Temperature, (int)Math.Round(skin * 10), quality);
            yield return new Reading(start, Place, (int)now.Truth.Place, quality);
            yield return new Reading(start, Screen, now.IsScreenOn && !isOff ? 1 : 0, quality);
            yield return new Reading(start, Charging, isOff ? 1 : 0, quality);
            for (int offset = 0; offset < MinuteMs; offset += HeartPeriodMs)
            {
                if (!isOff)
                {
                    double constant = now.HeartRate > heart ? RiseSeconds : FallSeconds;
                    heart += (now.HeartRate - heart) * (HeartPeriodMs / 1000d / constant);
                    yield return new Reading(start + offset, HeartRate, (int)Math.Clamp(Math.Round(heart + (1.3 * random.Gaussian())), 30, 230), quality);
                }

                if (offset % StepsPeriodMs == 0)
                {
                    yield return new Reading(start + offset, Steps, isOff ? 0 : random.Count(now.StepsPerMinute / 6, now.StepsPerMinute / 40), quality);
                }

                if (offset % SpeedPeriodMs == 0 && !double.IsNaN(now.SpeedMetersPerSecond) && !isOff)
                {
                    double speed = Math.Max(0, now.SpeedMetersPerSecond * (1 + (0.06 * random.Gaussian())));
                    yield return new Reading(start + offset, Speed, (int)Math.Round(speed * 100), quality);
                }
            }
        }
    }
}
