using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Web;

namespace Telemetry.Influx.Tests;

/// <summary>
/// InfluxDB 2 and 3 as their documents say, for no such server installs here: refuses what the real one refuses, with its status, and holds the points. Version 2: docs.influxdata.com/influxdb/v2/api
/// (write, delete), and the 2.7 server's own reading of a delete: times in RFC 3339 within what 64 bits of nanoseconds hold, both ends taken with it, a predicate of
/// <c>"key"="value"</c> joined by AND. Version 3: docs.influxdata.com/influxdb3/core, <c>/api/v3/write_lp</c>, which stores the good lines of a request whose others it refuses.
/// </summary>
internal sealed partial class DocumentedServer(string token) : HttpMessageHandler
{
    private const int MostMs = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Series, long Time), string> _points = [];

    /// <summary>What was refused and why; a right client brings nothing here, but may ask which server this is.</summary>
    public List<string> Refusals { get; } = [];

    /// <summary>Field names that are refused, as one of another type would be.</summary>
    public string RefusedField { get; set; } = "";

    /// <summary>Points by series and nanoseconds, each with its fields.</summary>
    public List<string> Points
    {
        get
        {
            lock (_gate) return [.. _points.Select(point => $"{point.Key.Series} {point.Value} {point.Key.Time}").Order(StringComparer.Ordinal)];
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var query = HttpUtility.ParseQueryString(request.RequestUri!.Query);
        (HttpStatusCode status, string words) = (request.Method.Method, request.RequestUri.AbsolutePath) switch
        {
            ("POST", "/api/v2/write") => OnWrite(query["org"], query["bucket"], "Token", PrecisionOf(query["precision"] ?? "ns", "ns", "us", "ms", "s"), request, body, isPartial: false),
            ("POST", "/api/v2/delete") => OnDelete(query["org"], query["bucket"], request, body),
            ("POST", "/api/v3/write_lp") => OnWrite("-", query["db"], "Bearer", PrecisionOf(query["precision"] ?? "auto", "nanosecond", "microsecond", "millisecond", "second"), request, body, isPartial: true),
            ("GET", "/metrics") => (HttpStatusCode.OK, "# InfluxDB's own"),
            _ => (HttpStatusCode.NotFound, "path not found"),
        };
        if (status >= HttpStatusCode.BadRequest && request.Method != HttpMethod.Get) Refusals.Add($"{request.RequestUri.PathAndQuery}: {(int)status} {words}");
        return new HttpResponseMessage(status) { Content = new StringContent(words) };
    }

    private (HttpStatusCode, string) OnWrite(string? org, string? bucket, string scheme, long unitNs, HttpRequestMessage request, string body, bool isPartial)
    {
        if (request.Headers.Authorization?.ToString() != $"{scheme} {token}") return (HttpStatusCode.Unauthorized, "unauthorized access");
        if (string.IsNullOrEmpty(org) || string.IsNullOrEmpty(bucket)) return (HttpStatusCode.NotFound, "organization or bucket not found");
        if (unitNs == 0) return (HttpStatusCode.BadRequest, "invalid precision");
        List<((string, long) Key, string Fields)> good = [];
        string? bad = null;
        foreach (string line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Match parts = Line().Match(line);
            if (!parts.Success || (RefusedField.Length > 0 && line.Contains(RefusedField, StringComparison.Ordinal))) bad ??= line;
            else good.Add(((parts.Groups["series"].Value, long.Parse(parts.Groups["time"].Value, CultureInfo.InvariantCulture) * unitNs), parts.Groups["fields"].Value));
        }

        if (bad is null || isPartial)
        {
            lock (_gate)
            {
                foreach ((var key, string fields) in good) _points[key] = fields;
            }
        }

        return bad is null ? (HttpStatusCode.NoContent, "") : (HttpStatusCode.BadRequest, isPartial ? $"{{\"error\":\"partial write of line protocol occurred\",\"data\":[{{\"original_line\":\"{bad}\"}}]}}" : $"unable to parse '{bad}'");
    }

    private (HttpStatusCode, string) OnDelete(string? org, string? bucket, HttpRequestMessage request, string body)
    {
        if (request.Headers.Authorization?.ToString() != $"Token {token}") return (HttpStatusCode.Unauthorized, "unauthorized access");
        if (string.IsNullOrEmpty(org) || string.IsNullOrEmpty(bucket)) return (HttpStatusCode.NotFound, "organization or bucket not found");
        if (request.Content!.Headers.ContentType?.MediaType != "application/json") return (HttpStatusCode.BadRequest, "invalid request; error parsing request json");
        JsonElement asked = JsonDocument.Parse(body).RootElement;
        if (!TryReadTime(asked.GetProperty("start").GetString()!, out long start)) return (HttpStatusCode.BadRequest, "invalid RFC3339Nano for field start");
        if (!TryReadTime(asked.GetProperty("stop").GetString()!, out long stop)) return (HttpStatusCode.BadRequest, "invalid RFC3339Nano for field stop");
        Match predicate = Predicate().Match(asked.GetProperty("predicate").GetString()!);
        if (!predicate.Success) return (HttpStatusCode.BadRequest, "bad logical expression");
        var wanted = predicate.Groups["key"].Captures.Zip(predicate.Groups["value"].Captures, (key, value) => (Key: Unquoted(key.Value), Value: Unquoted(value.Value))).ToArray();
        lock (_gate)
        {
            foreach (var key in _points.Keys.Where(key => key.Time >= start && key.Time <= stop && wanted.All(tag => Has(key.Series, tag.Key, tag.Value))).ToArray()) _points.Remove(key);
        }

        return (HttpStatusCode.NoContent, "");
    }

    private static long PrecisionOf(string precision, params string[] fromNs) => Array.IndexOf(fromNs, precision) is >= 0 and var at ? (long)Math.Pow(1000, at) : 0;

    // Nanoseconds since 1970, within int64 less what the server keeps for itself.
    private static bool TryReadTime(string text, out long ns)
    {
        ns = 0;
        if (!Rfc3339().IsMatch(text) || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out DateTimeOffset time)) return false;
        Int128 wide = (Int128)(time - DateTimeOffset.UnixEpoch).Ticks * 100;
        if (wide < long.MinValue + 2 || wide > long.MaxValue - 1) return false;
        ns = (long)wide;
        return true;
    }

    private static bool Has(string series, string key, string value)
    {
        string[] parts = [.. Separator().Split(series).Select(part => part.Replace("\\", "", StringComparison.Ordinal))];
        return key == "_measurement" ? parts[0] == value : parts.Skip(1).Contains($"{key}={value}");
    }

    private static string Unquoted(string text) => text[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    // measurement[,tag=value]* field=value[,field=value]* time; a space, comma or equals sign in a name is escaped.
    [GeneratedRegex("""^(?<series>(\\.|[^\\ ,=])+(,(\\.|[^\\ ,=])+=(\\.|[^\\ ,=])+)*) (?<fields>(\\.|[^\\ ,=])+=("([^"\\]|\\.)*"|[-+0-9.eE]+i?|true|false)(,(\\.|[^\\ ,=])+=("([^"\\]|\\.)*"|[-+0-9.eE]+i?|true|false))*) (?<time>-?[0-9]+)$""", RegexOptions.ExplicitCapture, MostMs)]
    private static partial Regex Line();

    [GeneratedRegex("""^(?<key>"([^"\\]|\\["\\n])*")=(?<value>"([^"\\]|\\["\\n])*")( AND (?<key>"([^"\\]|\\["\\n])*")=(?<value>"([^"\\]|\\["\\n])*"))*$""", RegexOptions.ExplicitCapture, MostMs)]
    private static partial Regex Predicate();

    [GeneratedRegex("""^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$""", RegexOptions.ExplicitCapture, MostMs)]
    private static partial Regex Rfc3339();

    [GeneratedRegex("""(?<!\\),""", RegexOptions.ExplicitCapture, MostMs)]
    private static partial Regex Separator();
}
