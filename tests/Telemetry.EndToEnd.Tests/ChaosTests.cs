using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Telemetry.Ingest;
using Telemetry.Log.Disk;
using Telemetry.Wire;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>
/// Kills, repetitions, garbage and refusals in one run over real sockets: at every scrape received = stored + duplicate + dead-lettered + refused (promise 2), and at
/// the end each batch that was answered "stored" stands in the log once. Twenty kills by <c>TELEMETRY_CHAOS_KILLS=20 dotnet test tests/Telemetry.EndToEnd.Tests --filter ChaosTests</c>.
/// </summary>
public sealed class ChaosTests
{
    private const int Seed = 20261122;
    private const int Senders = 3;
    private const int MessagesPerKill = 40;

    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("TELEMETRY_CHAOS_KILLS"), out int kills) ? kills : 3;

    [Fact]
    public async Task Chaos_KillsDuplicatesGarbageAndRefusals_CountsAreConservedAtEveryScrape()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(10));
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "d1");
        Answers answers = new(), scrapes = new();
        Sender[] senders = [.. Enumerable.Range(1, Senders).Select(number => new Sender(collector.GrpcPort, "acme/d1:" + secret, number, answers))];
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        Task[] sending = [.. senders.Select(sender => Task.Run(() => sender.RunAsync(stop.Token)))];
        Task scraping = Task.Run(() => ScrapeAsync(collector, scrapes, stop.Token));
        for (int kill = 0; kill < Kills; kill++)
        {
            await answers.MoreAsync(MessagesPerKill, sending, limit.Token);
            await scrapes.MoreAsync(1, [scraping], limit.Token);
            await collector.KillAsync();
            await collector.StartAgainAsync();
        }

        await answers.MoreAsync(MessagesPerKill, sending, limit.Token);
        await scrapes.MoreAsync(1, [scraping], limit.Token);
        await stop.CancelAsync();
        await Task.WhenAll([scraping, .. sending]);
        Assert.Equal(0, await collector.TerminateAsync());

        FolderInspection found = FolderInspection.Of(new FileLogDisk(Path.Combine(collector.DataFolder, "log")));
        Assert.True(found is { Duplicates: 0, UnreadableBatches: 0, Missing: 0 }, found.ToString());
        Assert.Equal(senders.Sum(sender => sender.Sealed), found.Batches);
        Assert.Equal(senders.Sum(sender => sender.Garbage), found.DeadLetters);
        Assert.True(senders.Any(sender => sender.Repeated > 0 && sender.TooLarge > 0 && sender.Garbage > 0), "Chaos was not chaotic enough.");
    }

    private static async Task ScrapeAsync(CollectorProcess collector, Answers scrapes, CancellationToken stop)
    {
        for (; !stop.IsCancellationRequested; await Task.Yield())
        {
            string metrics;
            try
            {
                metrics = await collector.MetricsAsync();
            }
            catch (HttpRequestException)
            {
                continue; // between a kill and the next start
            }

            double received = CollectorProcess.Metric(metrics, "telemetry_ingest_received"), sum = CollectorProcess.Metric(metrics, "telemetry_ingest_batches");
            Assert.True(received == sum, $"{received} received, {sum} by outcome:\n{metrics}");
            if (received > 0) scrapes.Add();
        }
    }

    /// <summary>Counts what was answered and lets the test wait for more of it instead of for time.</summary>
    private sealed class Answers
    {
        private readonly SemaphoreSlim _answered = new(0);

        public void Add() => _answered.Release();

        // If one of those who count fails, so does the wait.
        public async Task MoreAsync(int count, Task[] asking, CancellationToken cancellation)
        {
            for (int i = 0; i < count; i++)
            {
                Task answered = _answered.WaitAsync(cancellation);
                await await Task.WhenAny([answered, .. asking]);
            }
        }
    }

    /// <summary>One epoch of the device over unary gRPC: a message is sent until it is answered, whatever happens to the collector meanwhile.</summary>
    private sealed class Sender(int port, string credentials, int number, Answers answers)
    {
        private const int BatchesPerMessage = 8;
        private static readonly byte[] s_tooLarge = new byte[WireLimits.MaxBatchBytes + 1];
        private readonly Random _random = new(Seed + number);
        private readonly List<byte[]> _sealed = [];

        public int Sealed => _sealed.Count;
        public int Garbage { get; private set; }
        public int Repeated { get; private set; }
        public int TooLarge { get; private set; }

        public async Task RunAsync(CancellationToken stop)
        {
            using HttpClient http = new(new SocketsHttpHandler()) { Timeout = TimeSpan.FromSeconds(20) };
            while (!stop.IsCancellationRequested)
            {
                (SubmitRequest request, Outcome[] expected) = NextMessage();
                SubmitResponse? response = null;
                bool isRepeated = false;
                while ((response = await TrySendAsync(http, request)) is null) isRepeated = true;
                for (int i = 0; i < expected.Length; i++)
                {
                    Outcome outcome = response.Results[i].Outcome;
                    bool isSettledBefore = isRepeated && outcome == Outcome.Duplicate && expected[i] != Outcome.Refused;
                    Assert.True(outcome == expected[i] || isSettledBefore, $"Batch {i} of a message is {outcome}, not {expected[i]}.");
                }

                answers.Add();
            }
        }

        // The first one is new, so the call as a whole is never refused.
        private (SubmitRequest Request, Outcome[] Expected) NextMessage()
        {
            SubmitRequest request = new();
            Outcome[] expected = new Outcome[BatchesPerMessage];
            int earlier = _sealed.Count;
            for (int i = 0; i < BatchesPerMessage; i++)
            {
                int kind = i == 0 ? 0 : _random.Next(20);
                (byte[] batch, expected[i]) = kind switch
                {
                    1 or 2 or 3 when earlier > 0 => Again(earlier),
                    4 or 5 => Noise(),
                    6 => Huge(),
                    _ => New(),
                };
                request.Batches.Add(UnsafeByteOperations.UnsafeWrap(batch));
            }

            return (request, expected);
        }

        private (byte[], Outcome) New()
        {
            _sealed.Add(PeerBatches.HeartRates((uint)number, (ulong)_sealed.Count + 1, 1_700_000_000_000 + (_sealed.Count * 10_000L), 60, 61, 62));
            return (_sealed[^1], Outcome.Stored);
        }

        private (byte[], Outcome) Again(int earlier)
        {
            Repeated++;
            return (_sealed[_random.Next(earlier)], Outcome.Duplicate);
        }

        private (byte[], Outcome) Noise()
        {
            Garbage++;
            byte[] noise = new byte[64];
            _random.NextBytes(noise);
            return (noise, Outcome.DeadLettered);
        }

        private (byte[], Outcome) Huge()
        {
            TooLarge++;
            return (s_tooLarge, Outcome.Refused);
        }

        private async Task<SubmitResponse?> TrySendAsync(HttpClient http, SubmitRequest message)
        {
            try
            {
                byte[] frame = new byte[5 + message.CalculateSize()];
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
                message.WriteTo(frame.AsSpan(5));
                using HttpRequestMessage request = new(HttpMethod.Post, $"http://127.0.0.1:{port}/telemetry.v1.Ingest/Submit")
                {
                    Version = HttpVersion.Version20,
                    VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                    Content = new ByteArrayContent(frame),
                };
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
                request.Headers.Add("te", "trailers");
                request.Headers.Add("authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
                using HttpResponseMessage response = await http.SendAsync(request);
                byte[] answer = await response.Content.ReadAsByteArrayAsync();
                return answer.Length > 5 ? SubmitResponse.Parser.ParseFrom(answer.AsSpan(5)) : null;
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException or TaskCanceledException)
            {
                return null; // killed: sent again
            }
        }
    }
}
