using System.Net;

namespace Telemetry.Influx.Tests;

/// <summary>The collector is gone at any request, before or after the server did it: the rows at the end are the samples of the log, each once.</summary>
public sealed class CrashTests
{
    private const int Batches = 6;
    private const int RowsPerBatch = 7;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Collector_GoneAtAnyRequest_RowsEqualTheLog(bool serverDidIt)
    {
        for (int crashAt = 1; crashAt <= 11; crashAt++)
        {
            using TestLog log = new();
            for (int i = 0; i < Batches; i++)
                await log.AppendAsync(1, (ulong)i + 1, TestLog.HeartRates(i * 60_000, [.. Enumerable.Range(0, RowsPerBatch).Select(row => (long)(i * RowsPerBatch) + row)]));

            using SilentServer dead = new(crashAt, serverDidIt);
            InfluxSink gone = new(log.Log, log, Options(log), handler: dead);
            Task abandoned = gone.RunAsync(CancellationToken.None);
            await dead.Silent.WaitAsync(TimeSpan.FromSeconds(100));
            Assert.False(abandoned.IsCompleted);
            log.Reopen();

            using ScriptedServer server = new();
            await using (SinkRun run = new(log, Options(log), handler: server)) await run.StopAsync();
            HashSet<string> rows = [.. dead.Taken, .. server.Taken];
            Assert.Equal(Batches * RowsPerBatch, rows.Count);
            Assert.Equal(Enumerable.Range(0, Batches * RowsPerBatch).Select(i => i.ToString()).Order(), rows.Select(line => line.Split(' ')[1]["value=".Length..]).Order());
        }
    }

    /// <summary>Requests of four lines do not end with batches of seven: the crash falls inside a record, too.</summary>
    private static InfluxOptions Options(TestLog log) =>
        new() { Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero, MaxLinesPerRequest = 4, RefusedFolder = log.RefusedFolder };

    /// <summary>Takes requests until one of them, which is never answered.</summary>
    private sealed class SilentServer(int silentAt, bool takesTheLast) : HttpMessageHandler
    {
        private readonly TaskCompletionSource _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<HttpResponseMessage> _never = new();
        private int _requests;

        public Task Silent => _silent.Task;

        public List<string> Taken { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Get) return new HttpResponseMessage(HttpStatusCode.NotFound); // what it is
            string body = await request.Content!.ReadAsStringAsync(cancellationToken);
            bool isLast = ++_requests == silentAt;
            if (!isLast || takesTheLast) Taken.AddRange(body.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            if (!isLast) return new HttpResponseMessage(HttpStatusCode.NoContent);
            _silent.SetResult();
            return await _never.Task;
        }
    }
}
