using System.Globalization;
using Telemetry.Collector.Api;

namespace Telemetry.Collector.Series;

/// <summary>Where a page of samples ended, so that the next one goes on there whatever came meanwhile.</summary>
/// <param name="LogEnd">Records behind this position are not shown: they came after the first page.</param>
/// <param name="DeviceKey">Device of the last row given.</param>
/// <param name="FromUnixMs">Where that row's range begins: a user may have had the device twice. Named and not counted, for a range may come or go between two pages.</param>
/// <param name="UnixMs">Time of the last row given.</param>
/// <param name="Given">Rows of that range and time that were given; 0 before the first page.</param>
internal readonly record struct SamplePlace(long LogEnd, uint DeviceKey, long FromUnixMs, long UnixMs, int Given)
{
    /// <summary>As a caller carries it.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{LogEnd}.{DeviceKey}.{FromUnixMs}.{UnixMs}.{Given}");

    /// <summary>Before every row.</summary>
    public static SamplePlace Before(long logEnd) => new(logEnd, 0, long.MinValue, long.MinValue, 0);

    /// <exception cref="ApiException">It is none that this collector gave.</exception>
    public static SamplePlace Parse(string text)
    {
        string[] parts = text.Split('.');
        if (parts.Length == 5
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long logEnd)
            && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint deviceKey)
            && long.TryParse(parts[2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long fromUnixMs)
            && long.TryParse(parts[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long unixMs)
            && int.TryParse(parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given > 0)
        {
            return new SamplePlace(logEnd, deviceKey, fromUnixMs, unixMs, given);
        }

        throw new ApiException(ApiFault.Invalid, $"page is '{text}'; the next_page of an earlier answer is expected, or nothing.");
    }

    /// <summary>Whether every row of a range was given before this place.</summary>
    public bool IsBehind(in SampleRange range) => range.DeviceKey != DeviceKey ? range.DeviceKey < DeviceKey : range.FromUnixMs < FromUnixMs;

    /// <summary>Whether the last row given is of this range.</summary>
    public bool IsIn(in SampleRange range) => Given > 0 && range.DeviceKey == DeviceKey && range.FromUnixMs == FromUnixMs;
}

/// <summary>One page of an answer.</summary>
/// <param name="Rows">In the order of the whole answer.</param>
/// <param name="Next">Asks for the next page; empty when this is the last.</param>
internal sealed record SamplePage<T>(IReadOnlyList<T> Rows, string Next);
