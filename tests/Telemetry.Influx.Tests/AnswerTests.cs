using System.Net;
using System.Net.Http.Headers;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>What is taken for a yes, and what is not, though it looks like one.</summary>
public sealed class AnswerTests : IDisposable
{
    private const string Portal = "<html>Welcome. Please sign in.</html>";

    private readonly TestLog _log = new();
    private readonly ScriptedServer _server = new();

    public void Dispose()
    {
        _server.Dispose();
        _log.Dispose();
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, "text/html", Portal)]
    [InlineData(HttpStatusCode.OK, null, "")]
    [InlineData(HttpStatusCode.OK, "application/json", """{"results":[{"statement_id":0}]}""")]
    [InlineData(HttpStatusCode.Accepted, null, "")]
    [InlineData(HttpStatusCode.Created, "text/html", Portal)]
    [InlineData(HttpStatusCode.MovedPermanently, "text/html", Portal)]
    [InlineData(HttpStatusCode.Found, null, "")]
    [InlineData(HttpStatusCode.TemporaryRedirect, null, "")]
    [InlineData(HttpStatusCode.BadRequest, "text/html", "<h1>The plain HTTP request was sent to HTTPS port</h1>")]
    [InlineData(HttpStatusCode.BadRequest, null, "Client sent an HTTP request to an HTTPS server.")]
    public async Task Write_AnsweredBySomebodyElse_IsSentAgainAndTheCursorStands(HttpStatusCode status, string? mediaType, string body)
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60, 61));
        _server.Answer = _ =>
        {
            HttpResponseMessage answer = ScriptedServer.Reply(status, body);
            answer.Content.Headers.ContentType = mediaType is null ? null : new MediaTypeHeaderValue(mediaType);
            return answer;
        };
        InfluxOptions options = Options();
        ManualTime time = new();
        await using SinkRun run = new(_log, options, time, _server);
        await time.TimerAsync(delay => delay <= options.FirstRetryDelay);
        Assert.Equal((0, _log.Log.BytesBehind(0)), (run.Sink.Metrics.Lines, run.Sink.LagBytes));

        _server.Taken.Clear();
        _server.Answer = ScriptedServer.Yes;
        time.Advance(options.FirstRetryDelay);
        await _server.UntilAsync(server => server.Taken.Count == 2);
        await run.StopAsync();
        Assert.Equal(_log.Log.DurablePosition, _log.Log.OpenCursor("influx").Position);
        Assert.Equal(0, run.Sink.Metrics.RefusedLines);
    }

    // InfluxDB 3 Dedicated, where it was set up to take a part of a request: 201 and the lines that it did not take.
    [Fact]
    public async Task Write_TakenInPart_SetsAsideTheLineThatWasNot()
    {
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, [.. Enumerable.Range(0, 100).Select(i => (long)i)]));
        _server.Answer = request => !request.Body.Contains("value=37 ", StringComparison.Ordinal) ? ScriptedServer.Yes(request)
            : request.Lines.Length > 1 ? ScriptedServer.Reply(HttpStatusCode.Created, """{"error":"partial write"}""")
            : ScriptedServer.Reply(HttpStatusCode.BadRequest, """{"error":"no such luck"}""");
        SinkRun run = new(_log, Options(), handler: _server);
        await using (run) await run.StopAsync();
        Assert.Equal((99, 1), (run.Sink.Metrics.Lines, run.Sink.Metrics.RefusedLines));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, """{"results":[{"statement_id":0},{"statement_id":1,"error":"shard 3 is disabled"}]}""", "shard 3 is disabled")]
    [InlineData(HttpStatusCode.OK, Portal, "a proxy or a portal")]
    [InlineData(HttpStatusCode.Found, "", "redirects")]
    [InlineData(HttpStatusCode.NoContent, "", "204")]
    public async Task Erasure_NotSaidToBeDone_StaysOpenWithTheReason(HttpStatusCode status, string body, string expected)
    {
        _server.Answer = _ => ScriptedServer.Reply(status, body);
        using InfluxDerived derived = new(Options(), handler: _server);
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => derived.EraseDeviceAsync(_log.FindDevice(1)!, 0, 1, CancellationToken.None));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Erasure_WithoutADatabase_IsDone()
    {
        _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.OK, """{"results":[{"statement_id":0,"error":"database not found: telemetry"}]}""");
        using InfluxDerived derived = new(Options(), handler: _server);
        await derived.EraseDeviceAsync(_log.FindDevice(1)!, 0, 1, CancellationToken.None);
        Assert.Single(_server.Requests);
    }

    private InfluxOptions Options() => new() { Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero, RefusedFolder = _log.RefusedFolder };
}
