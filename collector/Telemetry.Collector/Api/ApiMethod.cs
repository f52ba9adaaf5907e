using Google.Protobuf;
using Telemetry.Grpc;

namespace Telemetry.Collector.Api;

/// <summary>One unary method of the contract. The HTTP and the gRPC edge serve the same table, so they cannot drift apart.</summary>
internal abstract class ApiMethod(string service, string name)
{
    /// <summary>Full protobuf name of the service, e.g. <c>telemetry.v1.Registry</c>.</summary>
    public string Service { get; } = service;

    /// <summary>Method name, e.g. <c>PutBrand</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Parser of the request message.</summary>
    public abstract MessageParser Parser { get; }

    /// <summary>Does the work. A fault of the caller is an <see cref="ApiException"/>.</summary>
    public abstract ValueTask<IMessage> HandleAsync(IMessage request, CancellationToken cancellation);

    /// <summary>Registers the method with the gRPC endpoint.</summary>
    public abstract void AddTo(GrpcMethods methods, GrpcAuthorization authorization);

    /// <summary>Binds a handler.</summary>
    public static ApiMethod Unary<TRequest, TResponse>(string service, string name, Func<TRequest, TResponse> handle)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse> =>
        Unary<TRequest, TResponse>(service, name, (request, _) => ValueTask.FromResult(handle(request)));

    /// <summary>Binds a handler that waits.</summary>
    public static ApiMethod Unary<TRequest, TResponse>(string service, string name, Func<TRequest, CancellationToken, ValueTask<TResponse>> handle)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse> =>
        new Method<TRequest, TResponse>(service, name, handle);

    private sealed class Method<TRequest, TResponse>(string service, string name, Func<TRequest, CancellationToken, ValueTask<TResponse>> handle)
        : ApiMethod(service, name)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>
    {
        public override MessageParser Parser { get; } = new MessageParser<TRequest>(() => new TRequest());

        public override async ValueTask<IMessage> HandleAsync(IMessage request, CancellationToken cancellation) =>
            await ApiFaults.TranslateAsync(() => handle((TRequest)request, cancellation));

        public override void AddTo(GrpcMethods methods, GrpcAuthorization authorization) =>
            methods.Unary<TRequest, TResponse>(
                $"{Service}/{Name}", (request, call) => ApiFaults.TranslateForGrpcAsync(() => handle(request, call.Cancellation)), authorization);
    }
}
