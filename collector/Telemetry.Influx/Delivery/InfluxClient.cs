using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Telemetry.Influx.Delivery;

/// <summary>One write request and what its answer means. Knows HTTP and the two write paths, not retries.</summary>
internal sealed class InfluxClient : IDisposable
{
    private const int MaxReasonBytes = 4096;

    // Of a page on which a server tells of itself: an InfluxDB 1 writes 2 KB a shard.
    private const int MaxPageBytes = 16 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly InfluxOptions _options;
    private readonly TimeProvider _time;
    private readonly Uri _writeUri;
    private readonly AuthenticationHeaderValue? _authorization;
    private readonly MemoryStream _body = new();

    public InfluxClient(InfluxOptions options, TimeProvider time, HttpMessageHandler? handler = null)
    {
        _options = options;
        _time = time;
        // A redirect is not followed: that makes a GET without lines of a POST, and VictoriaMetrics answers even that with 204.
        _http = new HttpClient(handler ?? new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = options.RequestTimeout, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri($"{options.Url!.Scheme}://{options.Url.Authority}{options.Url.AbsolutePath.TrimEnd('/')}/"), // with the path of a proxy that has one, without a user and password
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxPageBytes,
        };
        _authorization = Authorization(options);
        _writeUri = new Uri(WritePath(options), UriKind.Relative);
    }

    /// <summary>Sends lines once.</summary>
    /// <exception cref="OperationCanceledException">The caller stops.</exception>
    public async Task<WriteResult> WriteAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, _writeUri) { Content = Content(lines) };
        return await SendAsync(request, cancellation);
    }

    /// <summary>Makes the v1 database.</summary>
    public async Task<WriteResult> CreateDatabaseAsync(CancellationToken cancellation)
    {
        string name = InfluxQl.Identifier(_options.Bucket);
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri("query", UriKind.Relative));
        request.Content = new FormUrlEncodedContent([new("q", "CREATE DATABASE " + name)]);
        return await SendAsync(request, cancellation, isStatement: true);
    }

    /// <summary>Sends an InfluxQL statement that changes something (v1).</summary>
    public async Task<WriteResult> ExecuteAsync(string statement, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri($"query?db={Uri.EscapeDataString(_options.Bucket)}", UriKind.Relative));
        request.Content = new FormUrlEncodedContent([new("q", statement)]);
        return await SendAsync(request, cancellation, isStatement: true);
    }

    /// <summary>Posts JSON, or nothing, to a path below the base address.</summary>
    public async Task<WriteResult> PostAsync(string path, string? json, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(path, UriKind.Relative));
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return await SendAsync(request, cancellation);
    }

    /// <summary>True when the server is VictoriaMetrics, which takes line protocol but deletes in its own way.</summary>
    /// <exception cref="HttpRequestException">The server cannot be asked.</exception>
    public async Task<bool> IsVictoriaMetricsAsync(CancellationToken cancellation) =>
        (await AskProcessAsync(cancellation) ?? throw new HttpRequestException("The server did not say what it is.")).Kind == ServerKind.VictoriaMetrics;

    /// <summary>Which process answers.</summary>
    /// <returns>Null when none does, it says that it cannot now (5xx), or somebody answers in its place.</returns>
    public async Task<ServerProcess?> AskProcessAsync(CancellationToken cancellation)
    {
        if (await PageAsync("metrics", cancellation) is not { } metrics) return null;
        if (ServerProcess.OfMetrics(Encoding.UTF8.GetString(metrics)) is { } victoria) return victoria;
        if (await PageAsync("debug/vars", cancellation) is not { } vars) return null;
        return ServerProcess.OfVars(vars, _options.Bucket) ?? ServerProcess.Other;
    }

    public void Dispose() => _http.Dispose();

    /// <summary>A page on which a server tells of itself.</summary>
    /// <returns>Empty when it has none, or one beyond the limit; null when it does not answer or cannot now (5xx), or when somebody answers in its place: a redirect, a page for people.
    /// To take that for the word of a server that keeps what it took would let VictoriaMetrics forget it.</returns>
    private async Task<byte[]?> PageAsync(string path, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.Authorization = _authorization;
        using CancellationTokenSource limit = new(_options.RequestTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token);
            if (response.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError) return [];
            byte[]? page = response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(either.Token) : null;
            return page is [(byte)'<', ..] ? null : page;
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return [];
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<WriteResult> SendAsync(HttpRequestMessage request, CancellationToken cancellation, bool isStatement = false)
    {
        request.Headers.Authorization = _authorization;
        using CancellationTokenSource limit = new(_options.RequestTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            string words = response.StatusCode == HttpStatusCode.NoContent ? "" : await WordsAsync(response, either.Token);
            return new WriteResult(VerdictOf(response, words, isStatement), (int)response.StatusCode, ReasonOf(response, words), RetryAfter(response));
        }
        catch (HttpRequestException failure)
        {
            // The words of TLS stand one below: a certificate's fault, or that the server speaks no TLS.
            return new WriteResult(WriteVerdict.Again, 0, failure.HttpRequestError == HttpRequestError.SecureConnectionError && failure.InnerException is { } cause ? $"no TLS connection: {cause.Message}" : failure.Message, RetryAfter: null);
        }
        catch (IOException failure)
        {
            return new WriteResult(WriteVerdict.Again, 0, failure.Message, RetryAfter: null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WriteResult(WriteVerdict.Again, 0, $"No answer within {_options.RequestTimeout.TotalSeconds} s.", RetryAfter: null);
        }
    }

    /// <summary>Lines, and a delete, are taken with 204, an InfluxQL statement with 200 and results without an error. Nothing else is taken for a yes, least of all the 200 of a proxy or a
    /// portal. 400 and 422 speak of lines where the server says them, as does the 201 with which InfluxDB 3 took a part of them; 413 of the size; everything else (no database, no right,
    /// overload, trouble, http to a port of https) is for the operator or for time to mend.</summary>
    private WriteVerdict VerdictOf(HttpResponseMessage response, string words, bool isStatement) => response.StatusCode switch
    {
        HttpStatusCode.NoContent when !isStatement => WriteVerdict.Taken,
        HttpStatusCode.OK when isStatement && words.StartsWith("{\"results\":", StringComparison.Ordinal) && !words.Contains("\"error\":", StringComparison.Ordinal) => WriteVerdict.Taken,
        HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity or HttpStatusCode.Created when IsOfTheServer(response, words) => WriteVerdict.BadLines,
        HttpStatusCode.RequestEntityTooLarge => WriteVerdict.TooLarge,
        HttpStatusCode.NotFound or HttpStatusCode.OK when _options.UsedApi == InfluxApi.V1 && words.Contains("database not found", StringComparison.OrdinalIgnoreCase) => WriteVerdict.NoDatabase,
        _ => WriteVerdict.Again,
    };

    // InfluxDB says no in JSON, VictoriaMetrics in plain text; a proxy shows a page, and Go's TLS answers plain HTTP with words of no type.
    private static bool IsOfTheServer(HttpResponseMessage response, string words) => words.StartsWith('{') || response.Content.Headers.ContentType?.MediaType == "text/plain";

    /// <summary>The server's words, with what an operator can do where they do not say it; or ours for a redirect and for a page that it did not write.</summary>
    private string ReasonOf(HttpResponseMessage response, string words) => (int)response.StatusCode switch
    {
        >= 300 and < 400 when response.Headers.Location is { IsAbsoluteUri: true } to => $"redirects to {to.Scheme}://{to.Authority}, which is not followed; give that address, if it is the server's",
        >= 300 and < 400 => "redirects to another path, which is not followed",
        _ when words.StartsWith('<') => "a page that neither InfluxDB nor VictoriaMetrics writes; a proxy or a portal answers in its place",
        401 or 403 => $"{words}; a user or token with the right to write '{_options.Bucket}' is expected (--influx-token-file)",
        404 when !words.StartsWith('{') => $"no {response.RequestMessage?.RequestUri?.AbsolutePath} here; is it the server's address, and its --influx-api?",
        _ => words,
    };

    private HttpContent Content(ReadOnlyMemory<byte> lines)
    {
        if (!_options.UsesGzip) return new ReadOnlyMemoryContent(lines);
        _body.SetLength(0);
        using (GZipStream gzip = new(_body, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(lines.Span);
        ReadOnlyMemoryContent content = new(_body.GetBuffer().AsMemory(0, (int)_body.Length));
        content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    private static async Task<string> WordsAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
        byte[] text = new byte[MaxReasonBytes];
        int length = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellation);
        return Encoding.UTF8.GetString(text, 0, length).Trim();
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow(),
        _ => null,
    };

    private static string WritePath(InfluxOptions options)
    {
        bool isNs = options.Precision == InfluxPrecision.Nanoseconds;
        string precision = isNs ? "ns" : "ms";
        string bucket = Uri.EscapeDataString(options.Bucket);
        return options.UsedApi switch
        {
            InfluxApi.V3 => $"api/v3/write_lp?db={bucket}&precision={(isNs ? "nanosecond" : "millisecond")}",
            InfluxApi.V2 => $"api/v2/write?org={Uri.EscapeDataString(options.Organization)}&bucket={bucket}&precision={precision}",
            _ => $"write?db={bucket}&precision={precision}",
        };
    }

    private static AuthenticationHeaderValue? Authorization(InfluxOptions options)
    {
        if (options.TokenFile.Length > 0)
        {
            string secret = File.ReadAllText(options.TokenFile).Trim();
            return options.UsedApi switch
            {
                InfluxApi.V2 => new AuthenticationHeaderValue("Token", secret),
                InfluxApi.V1 when secret.Contains(':') => Basic(secret),
                _ => new AuthenticationHeaderValue("Bearer", secret),
            };
        }

        string user = Uri.UnescapeDataString(options.Url!.UserInfo);
        return user.Length > 0 ? Basic(user) : null;

        static AuthenticationHeaderValue Basic(string userAndPassword) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(userAndPassword)));
    }
}

/// <summary>What one answer means for the lines of its request.</summary>
internal enum WriteVerdict
{
    /// <summary>All are in.</summary>
    Taken,

    /// <summary>Some cannot be taken; the others may be in already (InfluxDB 1 stores the good lines of a bad request).</summary>
    BadLines,

    /// <summary>Send them in smaller portions.</summary>
    TooLarge,

    /// <summary>The v1 database does not exist yet.</summary>
    NoDatabase,

    /// <summary>Nothing is known of them; send the same again later. Writing a point twice changes nothing.</summary>
    Again,
}

/// <summary>Answer of a server, or 0 and our own words when there was none.</summary>
internal readonly record struct WriteResult(WriteVerdict Verdict, int HttpStatus, string Reason, TimeSpan? RetryAfter);
