using System.Diagnostics.Metrics;

namespace Telemetry.Grpc;

/// <summary>Counts of the endpoint, Meter "Telemetry.Grpc". Plain interlocked fields; a scrape reads them.</summary>
internal sealed class GrpcMetrics : IDisposable
{
    private const int StatusCodes = 17;

    private readonly Meter _meter = new("Telemetry.Grpc");
    private readonly long[] _calls = new long[StatusCodes];
    private long _active;
    private long _received;
    private long _sent;

    public GrpcMetrics()
    {
        _meter.CreateObservableCounter("telemetry.grpc.calls", ObserveCalls, description: "Calls that ended, by status");
        _meter.CreateObservableUpDownCounter("telemetry.grpc.calls.active", () => Volatile.Read(ref _active), description: "Calls open now");
        _meter.CreateObservableCounter("telemetry.grpc.messages.received", () => Volatile.Read(ref _received), description: "Request messages of calls that ended");
        _meter.CreateObservableCounter("telemetry.grpc.messages.sent", () => Volatile.Read(ref _sent), description: "Response messages of calls that ended");
    }

    public long Active => Volatile.Read(ref _active);

    public long Calls(GrpcStatusCode code) => Volatile.Read(ref _calls[(int)code]);

    public void CallBegins() => Interlocked.Increment(ref _active);

    public void CallEnds(GrpcStatusCode code, long received, long sent)
    {
        Interlocked.Decrement(ref _active);
        Interlocked.Increment(ref _calls[(int)code]);
        Interlocked.Add(ref _received, received);
        Interlocked.Add(ref _sent, sent);
    }

    public void CallRefused(GrpcStatusCode code) => Interlocked.Increment(ref _calls[(int)code]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> ObserveCalls()
    {
        for (int code = 0; code < StatusCodes; code++)
        {
            yield return new Measurement<long>(Volatile.Read(ref _calls[code]), new KeyValuePair<string, object?>("status", ((GrpcStatusCode)code).ToString()));
        }
    }
}
