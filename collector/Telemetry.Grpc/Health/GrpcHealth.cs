using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Telemetry.Grpc.Health.V1;
using static Telemetry.Grpc.Health.V1.HealthCheckResponse.Types;

namespace Telemetry.Grpc.Health;

/// <summary>The standard health service, grpc.health.v1. The server as a whole (name "") serves from the start; the host says when that changes.</summary>
public sealed class GrpcHealth
{
    private readonly Lock _gate = new();
    private readonly List<Channel<bool>> _watchers = [];
    private bool _isServing = true;

    /// <summary>True while callers should send. Setting it tells every watcher.</summary>
    public bool IsServing
    {
        get
        {
            lock (_gate) return _isServing;
        }

        set
        {
            lock (_gate)
            {
                if (_isServing == value) return;
                _isServing = value;
                foreach (Channel<bool> watcher in _watchers) watcher.Writer.TryWrite(value);
            }
        }
    }

    internal void AddTo(GrpcMethods methods)
    {
        methods.Describe(() => HealthReflection.Descriptor)
            .Unary<HealthCheckRequest, HealthCheckResponse>("grpc.health.v1.Health/Check", (request, _) => ValueTask.FromResult(Check(methods, request.Service)))
            .ServerStreaming<HealthCheckRequest, HealthCheckResponse>("grpc.health.v1.Health/Watch", (request, call) => WatchAsync(methods, request.Service, call, call.Cancellation));
    }

    private HealthCheckResponse Check(GrpcMethods methods, string service) =>
        IsKnown(methods, service)
            ? Answer(IsServing)
            : throw new GrpcException(GrpcStatusCode.NotFound, $"Service '{service}' is unknown here.");

    private async IAsyncEnumerable<HealthCheckResponse> WatchAsync(
        GrpcMethods methods, string service, GrpcCall call, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, call.Stopping);
        if (!IsKnown(methods, service))
        {
            // The standard keeps the stream open, for the service may appear; here methods are fixed, so it stays until the caller leaves.
            yield return new HealthCheckResponse { Status = ServingStatus.ServiceUnknown };
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, either.Token);
        }

        // Only the newest state matters to a slow watcher.
        Channel<bool> changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
        {
            _watchers.Add(changes);
            changes.Writer.TryWrite(_isServing);
        }

        try
        {
            await foreach (bool isServing in changes.Reader.ReadAllAsync(either.Token)) yield return Answer(isServing);
        }
        finally
        {
            lock (_gate) _watchers.Remove(changes);
        }
    }

    private static bool IsKnown(GrpcMethods methods, string service) => service.Length == 0 || methods.HasService(service);

    private static HealthCheckResponse Answer(bool isServing) => new() { Status = isServing ? ServingStatus.Serving : ServingStatus.NotServing };
}
