using System.Buffers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Telemetry.Grpc;

/// <summary>The methods this server answers, by "package.Service/Method". Filled while the host starts, then only read.</summary>
/// <example><code>
/// methods.Describe(() => QueryReflection.Descriptor)
///     .Unary&lt;ReleaseRequest, ReleaseTable&gt;("telemetry.v1.Query/Release", (request, call) => insights.ReleaseAsync(request, call.Cancellation), bearer)
///     .ServerStreaming&lt;SamplesRequest, SamplesPage&gt;("telemetry.v1.Query/Samples", (request, call) => samples.ReadAsync(request, call.Cancellation), bearer);
/// </code></example>
public sealed class GrpcMethods
{
    private readonly Dictionary<string, GrpcMethod> _byPath = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _services = new(StringComparer.Ordinal);
    private readonly List<Func<FileDescriptor>> _files = [];

    /// <summary>Contract files that reflection answers from.</summary>
    internal IEnumerable<FileDescriptor> Files => _files.Select(file => file());

    /// <summary>Full names of the services that have at least one method here.</summary>
    internal IEnumerable<string> Services => _services;

    /// <summary>Lets reflection answer for the services and messages of a contract file. It is asked for at the first question:
    /// the descriptors of one file are two hundred objects and the code that makes them.</summary>
    public GrpcMethods Describe(Func<FileDescriptor> file)
    {
        _files.Add(file);
        return this;
    }

    /// <summary>One request, one response. The handler ends the call with another status by throwing <see cref="GrpcException"/>.</summary>
    /// <exception cref="ArgumentException">The name is malformed or taken.</exception>
    public GrpcMethods Unary<TRequest, TResponse>(
        string name, Func<TRequest, GrpcCall, ValueTask<TResponse>> handler, GrpcAuthorization? authorization = null)
        where TRequest : IMessage<TRequest>, new()
        where TResponse : IMessage<TResponse>
    {
        MessageParser<TRequest> parser = new(static () => new TRequest());
        return Add(name, authorization, async call =>
        {
            TRequest request = await ReadOneAsync(call, parser);
            call.Responses.Write(await handler(request, call));
        });
    }

    /// <summary>One request, any number of responses; each is sent before the handler is asked for the next.</summary>
    /// <inheritdoc cref="Unary{TRequest, TResponse}" path="/exception"/>
    public GrpcMethods ServerStreaming<TRequest, TResponse>(
        string name, Func<TRequest, GrpcCall, IAsyncEnumerable<TResponse>> handler, GrpcAuthorization? authorization = null)
        where TRequest : IMessage<TRequest>, new()
        where TResponse : IMessage<TResponse>
    {
        MessageParser<TRequest> parser = new(static () => new TRequest());
        return Add(name, authorization, async call => await WriteAllAsync(call, handler(await ReadOneAsync(call, parser), call)));
    }

    /// <summary>Any number of requests, one response.</summary>
    /// <inheritdoc cref="Unary{TRequest, TResponse}" path="/exception"/>
    public GrpcMethods ClientStreaming<TRequest, TResponse>(
        string name, Func<IAsyncEnumerable<TRequest>, GrpcCall, ValueTask<TResponse>> handler, GrpcAuthorization? authorization = null)
        where TRequest : IMessage<TRequest>, new()
        where TResponse : IMessage<TResponse>
    {
        MessageParser<TRequest> parser = new(static () => new TRequest());
        return Add(name, authorization, async call => call.Responses.Write(await handler(ReadAllAsync(call, parser, call.Cancellation), call)));
    }

    /// <summary>Any number of requests and responses, in whatever order the handler likes.</summary>
    /// <inheritdoc cref="Unary{TRequest, TResponse}" path="/exception"/>
    public GrpcMethods Duplex<TRequest, TResponse>(
        string name, Func<IAsyncEnumerable<TRequest>, GrpcCall, IAsyncEnumerable<TResponse>> handler, GrpcAuthorization? authorization = null)
        where TRequest : IMessage<TRequest>, new()
        where TResponse : IMessage<TResponse>
    {
        MessageParser<TRequest> parser = new(static () => new TRequest());
        return Add(name, authorization, call => WriteAllAsync(call, handler(ReadAllAsync(call, parser, call.Cancellation), call)));
    }

    /// <summary>A method that reads and writes its messages as bytes.</summary>
    internal GrpcMethods Raw(string name, Func<GrpcCall, Task> handler) => Add(name, authorization: null, handler, mayCompress: false);

    internal bool HasService(string name) => _services.Contains(name);

    internal GrpcMethod? Find(string path) => _byPath.GetValueOrDefault(path);

    private GrpcMethods Add(string name, GrpcAuthorization? authorization, Func<GrpcCall, Task> handler, bool mayCompress = true)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash < 1 || slash != name.LastIndexOf('/') || slash == name.Length - 1)
            throw new ArgumentException($"Method name '{name}' is malformed; \"package.Service/Method\" is expected.", nameof(name));
        if (!_byPath.TryAdd("/" + name, new GrpcMethod(name, authorization ?? GrpcAuthorizations.Anybody, handler, mayCompress)))
            throw new ArgumentException($"Method '{name}' is registered twice.", nameof(name));
        _services.Add(name[..slash]);
        return this;
    }

    private static async ValueTask<TRequest> ReadOneAsync<TRequest>(GrpcCall call, MessageParser<TRequest> parser)
        where TRequest : IMessage<TRequest>
    {
        if (!await call.Requests.WaitAsync(call.Cancellation) || !call.Requests.TryRead(out ReadOnlySequence<byte> message)) throw OneRequest("none");
        TRequest request = Parse(parser, message);
        if (await call.Requests.WaitAsync(call.Cancellation)) throw OneRequest("more");
        return request;
    }

    private static async IAsyncEnumerable<TRequest> ReadAllAsync<TRequest>(
        GrpcCall call, MessageParser<TRequest> parser, [EnumeratorCancellation] CancellationToken cancellation)
        where TRequest : IMessage<TRequest>
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, call.Stopping);
        while (await call.Requests.WaitAsync(either.Token))
        {
            while (call.Requests.TryRead(out ReadOnlySequence<byte> message)) yield return Parse(parser, message);
        }
    }

    private static async Task WriteAllAsync<TResponse>(GrpcCall call, IAsyncEnumerable<TResponse> responses)
        where TResponse : IMessage<TResponse>
    {
        await foreach (TResponse response in responses.WithCancellation(call.Cancellation))
        {
            call.Responses.Write(response);
            await call.Responses.FlushAsync(call.Cancellation);
        }
    }

    private static TRequest Parse<TRequest>(MessageParser<TRequest> parser, in ReadOnlySequence<byte> message)
        where TRequest : IMessage<TRequest>
    {
        try
        {
            return parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, $"The request is no {typeof(TRequest).Name}: its bytes are not valid protobuf.");
        }
    }

    internal static GrpcException OneRequest(string found) =>
        new(GrpcStatusCode.Internal, $"The call has {found} request messages; exactly one is required.");
}

/// <summary>One registered method.</summary>
internal sealed record GrpcMethod(string Name, GrpcAuthorization Authorization, Func<GrpcCall, Task> Handler, bool MayCompress);
