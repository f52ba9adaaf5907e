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
}
