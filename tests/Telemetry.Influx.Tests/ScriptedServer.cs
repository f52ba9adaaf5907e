using System.IO.Compression;
using System.Net;
using System.Text;

namespace Telemetry.Influx.Tests;

/// <summary>A server below HttpClient that answers as the test says and keeps what it took.</summary>
internal sealed class ScriptedServer : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly List<(Predicate<ScriptedServer> Until, TaskCompletionSource Done)> _waiters = [];

    public List<ScriptedRequest> Requests { get; } = [];

    /// <summary>Lines of the requests that were answered with success, in order.</summary>
    public List<string> Taken { get; } = [];

    /// <summary>What <c>/metrics</c> shows; null = there is no such page, as with InfluxDB; empty = 502. Questions for it are no <see cref="Requests"/>.</summary>
    public Func<string?> Metrics { get; set; } = static () => null;

    /// <summary>What <c>/debug/vars</c> shows, alike.</summary>
    public Func<string?> Vars { get; set; } = static () => null;

    /// <summary>Paths of the pages of itself that it was asked for, in order.</summary>
    public List<string> Pages { get; } = [];

    /// <summary>How often it was asked who it is.</summary>
    public int Questions { get; private set; }

    public Func<ScriptedRequest, HttpResponseMessage> Answer { get; set; } = Yes;

    /// <summary>What a server says that did it: 204 for lines, 200 with results for a statement.</summary>
    public static HttpResponseMessage Yes(ScriptedRequest request) =>
        request.Path.StartsWith("/query", StringComparison.Ordinal) ? Reply(HttpStatusCode.OK, """{"results":[{"statement_id":0}]}""") : Reply(HttpStatusCode.NoContent);

    public static HttpResponseMessage Reply(HttpStatusCode status, string body = "") => new(status) { Content = new StringContent(body) };

    /// <summary>Waits until something is so; looked at after each request.</summary>
    public Task UntilAsync(Predicate<ScriptedServer> isSo)
    {
        lock (_gate)
        {
            if (isSo(this)) return Task.CompletedTask;
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((isSo, done));
            return done.Task.WaitAsync(TimeSpan.FromSeconds(100));
        }
    }

    /// <summary>Loses the lines it took.</summary>
    public void Forget()
    {
        lock (_gate) Taken.Clear();
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Get)
        {
            bool isMetrics = request.RequestUri!.AbsolutePath.EndsWith("/metrics", StringComparison.Ordinal);
            string? page = isMetrics ? Metrics() : Vars();
            lock (_gate)
            {
                if (isMetrics) Questions++;
                Pages.Add(request.RequestUri.AbsolutePath);
                WakeWaiters();
            }

            return Reply(page is null ? HttpStatusCode.NotFound : page.Length == 0 ? HttpStatusCode.BadGateway : HttpStatusCode.OK, page ?? "");
        }

        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        bool gzip = request.Content?.Headers.ContentEncoding.Contains("gzip") == true;
        if (gzip)
        {
            using GZipStream stream = new(new MemoryStream(body), CompressionMode.Decompress);
            MemoryStream inflated = new();
            await stream.CopyToAsync(inflated, cancellationToken);
            body = inflated.ToArray();
        }

        ScriptedRequest seen = new(request.RequestUri!.PathAndQuery, request.Headers.Authorization?.ToString(), gzip, Encoding.UTF8.GetString(body));
        HttpResponseMessage answer;
        lock (_gate)
        {
            Requests.Add(seen);
            answer = Answer(seen);
            if (answer.IsSuccessStatusCode && seen.Path.Contains("write", StringComparison.Ordinal)) Taken.AddRange(seen.Lines);
            WakeWaiters();
        }

        return answer;
    }

    private void WakeWaiters()
    {
        foreach ((Predicate<ScriptedServer> until, TaskCompletionSource done) in _waiters)
        {
            if (until(this)) done.TrySetResult();
        }
    }
}

/// <summary>One request as it came.</summary>
internal sealed record ScriptedRequest(string Path, string? Authorization, bool IsGzip, string Body)
{
    public string[] Lines => Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
