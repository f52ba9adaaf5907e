using System.Globalization;
using Telemetry.Collector.Api;

namespace Telemetry.Collector.Series;

/// <summary>Where a page of samples ended, so that the next one goes on there whatever came meanwhile.</summary>
/// <param name="LogEnd">Records behind this position are not shown: they came after the first page.</param>
/// <param name="Range">Which of the question's ranges.</param>
/// <param name="UnixMs">Time of the last row given.</param>
/// <param name="Given">Rows of that range and time that were given.</param>
internal readonly record struct SamplePlace(long LogEnd, int Range, long UnixMs, int Given)
{
    /// <summary>As a caller carries it.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{LogEnd}.{Range}.{UnixMs}.{Given}");

    /// <exception cref="ApiException">It is none that this collector gave.</exception>
    public static SamplePlace Parse(string text)
    {
        string[] parts = text.Split('.');
        if (parts.Length == 4
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long logEnd)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int range)
            && long.TryParse(parts[2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long unixMs)
            && int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out int given))
        {
            return new SamplePlace(logEnd, range, unixMs, given);
        }

        throw new ApiException(ApiFault.Invalid, $"page is '{text}'; the next_page of an earlier answer is expected, or nothing.");
    }
}

/// <summary>One page of an answer.</summary>
/// <param name="Rows">In the order of the whole answer.</param>
/// <param name="Next">Asks for the next page; empty when this is the last.</param>
internal sealed record SamplePage<T>(IReadOnlyList<T> Rows, string Next);
