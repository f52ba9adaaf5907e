using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>What a bad link or proxy does to requests on their way to a real server, by a seed: drops the request, drops or cuts the answer
/// of a request that was done, sends it twice, holds it until the sender's limit is over.</summary>
/// <param name="seed">Of the faults.</param>
/// <param name="time">The sender's. A held answer moves it on by <paramref name="limit"/>, so that nothing depends on how fast this machine is.</param>
/// <param name="limit">How long the sender waits.</param>
internal sealed class FaultyLink(int seed, ManualTime time, TimeSpan limit) : DelegatingHandler(new SocketsHttpHandler())
{
    private readonly Random _random = new(seed);

    public int Faults { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        int fault = _random.Next(10);
        if (fault < 5) Faults++;
        switch (fault)
        {
            case 0:
                throw new HttpRequestException("The request was lost.");
            case 1:
                (await base.SendAsync(request, cancellationToken)).Dispose();
                throw new HttpRequestException("The answer was lost.");
            case 2:
                (await base.SendAsync(request, cancellationToken)).Dispose();
                throw new IOException("The answer was cut off.");
            case 3:
                byte[] body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
                using (HttpRequestMessage twin = new(request.Method, request.RequestUri) { Content = new ByteArrayContent(body) })
                {
                    foreach (string encoding in request.Content.Headers.ContentEncoding) twin.Content.Headers.ContentEncoding.Add(encoding);
                    (await base.SendAsync(twin, cancellationToken)).Dispose();
                }

                return await base.SendAsync(request, cancellationToken);
            case 4:
                (await base.SendAsync(request, cancellationToken)).Dispose();
                time.Advance(limit);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                throw new InvalidOperationException("An infinite wait ended.");
            default:
                return await base.SendAsync(request, cancellationToken);
        }
    }
}
