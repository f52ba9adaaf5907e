using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Telemetry.Influx.Delivery;

/// <summary>Removes points by their tags, in each server's own way.</summary>
internal sealed class SeriesEraser(InfluxClient client, InfluxOptions options)
{
    private const int StatementsARequest = 100;

    /// <summary>Removes the points of every series that has all of these tags.</summary>
    /// <param name="tags">At least one.</param>
    /// <param name="measurement">Only this measurement; null = every one.</param>
    /// <param name="fromUnixMs">Inclusive.</param>
    /// <param name="toUnixMs">Exclusive. VictoriaMetrics knows no range: there the whole series go.</param>
    /// <param name="cancellation">Ends the wait; the points may be gone or not.</param>
    /// <exception cref="HttpRequestException">The server refused or did not answer; ask again.</exception>
    public Task EraseAsync(IReadOnlyList<(string Key, string Value)> tags, string? measurement, long fromUnixMs, long toUnixMs, CancellationToken cancellation) =>
        EraseAsync(tags, measurement, [(fromUnixMs, toUnixMs)], cancellation);

    /// <summary>As <see cref="EraseAsync(IReadOnlyList{ValueTuple{string, string}}, string?, long, long, CancellationToken)"/>, of several ranges; a fault may leave some of them.</summary>
    public async Task EraseAsync(
        IReadOnlyList<(string Key, string Value)> tags, string? measurement, IReadOnlyList<(long FromUnixMs, long ToUnixMs)> ranges, CancellationToken cancellation)
    {
        if (tags.Count == 0) throw new ArgumentException("No tags were given; at least one is expected, or everything would go.", nameof(tags));
        if (await client.IsVictoriaMetricsAsync(cancellation))
        {
            Require(await client.PostAsync(VictoriaPath(tags, measurement), json: null, cancellation));
        }
        else if (options.UsedApi == InfluxApi.V3)
        {
            throw new HttpRequestException("InfluxDB 3 has no way to delete points; what is erased here must be removed there by hand, or by its retention.");
        }
        else if (options.UsedApi == InfluxApi.V2)
        {
            foreach ((long from, long to) in ranges) Require(await client.PostAsync(V2Path(), V2Body(tags, measurement, from, to), cancellation));
        }
        else
        {
            string[] statements = [.. ranges.Select(range => V1Statement(tags, measurement, range.FromUnixMs, range.ToUnixMs))];
            foreach (string[] some in statements.Chunk(StatementsARequest)) await ExecuteAsync(some, cancellation);
        }
    }

    // When one of several statements fails, InfluxDB 1.6 says of them all no more than "not executed". Alone each says what it is, and most often that is: no such database.
    private async Task ExecuteAsync(string[] statements, CancellationToken cancellation)
    {
        WriteResult result = await client.ExecuteAsync(string.Join("; ", statements), cancellation);
        if (statements.Length == 1 || result is not { Verdict: WriteVerdict.Again, HttpStatus: (int)HttpStatusCode.OK }) Require(result);
        else foreach (string statement in statements) await ExecuteAsync([statement], cancellation);
    }

    private static void Require(in WriteResult result)
    {
        if (result.Verdict is WriteVerdict.Taken or WriteVerdict.NoDatabase) return;
        throw new HttpRequestException($"The server did not erase (HTTP {result.HttpStatus}): {result.Reason}");
    }

    private static string V1Statement(IReadOnlyList<(string Key, string Value)> tags, string? measurement, long fromUnixMs, long toUnixMs)
    {
        string from = measurement is null ? "/.*/" : InfluxQl.Identifier(measurement);
        string where = string.Join(" AND ", tags.Select(tag => $"{InfluxQl.Identifier(tag.Key)} = {InfluxQl.Text(tag.Value)}"));
        return string.Create(CultureInfo.InvariantCulture, $"DELETE FROM {from} WHERE {where} AND time >= {fromUnixMs}ms AND time < {toUnixMs}ms");
    }

    private string V2Path() => $"api/v2/delete?org={Uri.EscapeDataString(options.Organization)}&bucket={Uri.EscapeDataString(options.Bucket)}";

    private static string V2Body(IReadOnlyList<(string Key, string Value)> tags, string? measurement, long fromUnixMs, long toUnixMs)
    {
        IEnumerable<(string Key, string Value)> all = measurement is null ? tags : tags.Prepend(("_measurement", measurement));
        string predicate = string.Join(" AND ", all.Select(tag => $"{InfluxQl.Identifier(tag.Key)}={InfluxQl.Identifier(tag.Value)}"));
        // InfluxDB 2 takes the stop with it: a tick of 100 ns before the end.
        return JsonSerializer.Serialize(new { start = DateTimeOffset.FromUnixTimeMilliseconds(fromUnixMs), stop = DateTimeOffset.FromUnixTimeMilliseconds(toUnixMs).AddTicks(-1), predicate });
    }

    private static string VictoriaPath(IReadOnlyList<(string Key, string Value)> tags, string? measurement)
    {
        IEnumerable<string> matchers = tags.Select(tag => $"{tag.Key}={InfluxQl.Identifier(tag.Value)}");
        if (measurement is not null) matchers = matchers.Prepend($"__name__=~\"{measurement}_.*\"");
        return "api/v1/admin/tsdb/delete_series?match[]=" + Uri.EscapeDataString("{" + string.Join(",", matchers) + "}");
    }
}
