using System.Globalization;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.People;

/// <summary>
/// A simulated person who is asked what they did. They read the stretch and the scenario off the text, as a person would, remember what they truly did for most of it, and press the button that says so,
/// half a minute to five minutes later; now and then they press a wrong one. A question that no button answers rightly is left alone. The same question gets the same answer.
/// </summary>
/// <param name="person">Who is asked.</param>
/// <param name="truth">What they do, one entry a minute.</param>
/// <param name="startUnixMs">Time of the first entry. The person's clock shows UTC.</param>
/// <param name="truthfulness">How likely the right button is pressed, 0..1.</param>
internal sealed class Respondent(Person person, ReadOnlyMemory<TrueMinute> truth, long startUnixMs, double truthfulness) : IRespondent
{
    private const int MinuteMs = 60_000, LeastSeconds = 30, MostSeconds = 300;

    /// <inheritdoc/>
    public PressedButton? Read(string text, IReadOnlyList<string> answers, long nowUnixMs)
    {
        if (StretchOf(text) is not (int first, int count) || MostOf(first, count, nowUnixMs) is not { } done) return null;
        int right = answers is ["yes", "no"] ? text.EndsWith($"was it {done}?", StringComparison.Ordinal) ? 0 : 1 : answers.ToList().IndexOf(done);
        if (right < 0) return null;
        SeededRandom random = SeededRandom.For(person.Seed, (ulong)person.Index, 0xA25, (ulong)first);
        bool isTrue = answers.Count == 1 || random.Chance(truthfulness);
        int choice = isTrue ? right : (right + random.Between(1, answers.Count - 1)) % answers.Count;
        return new PressedButton(choice, random.Between(LeastSeconds, MostSeconds) * 1000L);
    }

    // "2026-03-02 09:25-09:45: ..." as entries of the truth; an end that is not behind the start is of the next day.
    private (int First, int Count)? StretchOf(ReadOnlySpan<char> text)
    {
        const int FromLength = 16, Length = 22; // "yyyy-MM-dd HH:mm", then "-HH:mm"
        if (text.Length < Length || text[FromLength] != '-'
            || !DateTimeOffset.TryParseExact(text[..FromLength], "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset from)
            || !TimeOnly.TryParseExact(text[(FromLength + 1)..Length], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly to))
            return null;
        int minutes = (int)(to - TimeOnly.FromTimeSpan(from.TimeOfDay)).TotalMinutes; // from one time of day on to the other: 0 up to a day
        return ((int)((from.ToUnixTimeMilliseconds() - startUnixMs) / MinuteMs), minutes == 0 ? DayPlan.MinutesPerDay : minutes);
    }

    private string? MostOf(int first, int count, long nowUnixMs)
    {
        int end = (int)Math.Min(Math.Min(first + (long)count, truth.Length), (nowUnixMs - startUnixMs) / MinuteMs);
        first = Math.Max(first, 0);
        return first >= end ? null : truth.Span[first..end].ToArray().GroupBy(minute => minute.Scenario).MaxBy(minutes => minutes.Count())!.Key;
    }
}
