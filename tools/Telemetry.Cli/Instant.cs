using System.Globalization;

namespace Telemetry.Cli;

/// <summary>An instant as people type it: a day, an ISO 8601 time, or unix milliseconds; UTC where no offset is given.</summary>
internal static class Instant
{
    /// <returns>Unix ms; 0 when nothing was given.</returns>
    /// <exception cref="CommandException">When it is none of these.</exception>
    public static long Parse(string option, string? text)
    {
        if (text is null) return 0;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long unixMs) && text.Length > 8) return unixMs;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset instant)) return instant.ToUnixTimeMilliseconds();
        throw new CommandException($"{option} '{text}' is no instant; a day (2026-01-31), a time (2026-01-31T12:00:00Z) or unix milliseconds are expected.");
    }

    /// <summary>A length of time: a number with ms, s, m, h or d; without a unit, milliseconds.</summary>
    /// <returns>Milliseconds; 0 when nothing was given.</returns>
    /// <exception cref="CommandException">When it is none, or not above 0.</exception>
    public static long ParseLength(string option, string? text)
    {
        if (text is null) return 0;
        string number = text.TrimEnd('m', 's', 'h', 'd');
        long unit = text[number.Length..] switch { "" or "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, "d" => 86_400_000, _ => 0 };
        if (unit > 0 && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count is > 0 and < 1_000_000_000) return count * unit;
        throw new CommandException($"{option} '{text}' is no length of time; 500ms, 30s, 15m, 1h or 1d are expected.");
    }
}
