using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Telemetry.Grpc.Batches;
using Telemetry.Grpc.Health;
using Telemetry.Grpc.Reflection;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc;

/// <summary>How the host joins the endpoint: services, port, pipeline.</summary>
/// <example><code>
/// builder.Services.AddGrpcEndpoint(new GrpcEndpointOptions(), (services, methods) => methods.Unary&lt;Brand, Brand&gt;("telemetry.v1.Registry/PutBrand", ...));
/// builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(5081, listen => listen.UseGrpc()));
/// app.MapGrpcEndpoint();
/// </code></example>
public static class GrpcEndpoint
{
    /// <summary>Registers the endpoint with batch ingest, health and reflection. <see cref="IIngest"/> and <see cref="TimeProvider"/> come from the container.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Bounds; checked here.</param>
    /// <param name="configure">Adds the host's own methods, once, when the endpoint is mapped.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static IServiceCollection AddGrpcEndpoint(
        this IServiceCollection services, GrpcEndpointOptions options, Action<IServiceProvider, GrpcMethods>? configure = null)
    {
        options.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<GrpcMetrics>();
        services.AddSingleton<GrpcHealth>();
        services.AddSingleton<SessionCache>();
        services.AddSingleton<IngestMethods>();
        services.AddSingleton<GrpcDispatcher>();
        services.AddSingleton(provider => BuildMethods(provider, configure));
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.Limits.Http2.KeepAlivePingDelay = options.KeepAliveDelay;
            kestrel.Limits.Http2.KeepAlivePingTimeout = options.KeepAliveTimeout;
            kestrel.Limits.Http2.MaxStreamsPerConnection = options.MaxCallsPerConnection;
        });
        return services;
    }

    /// <summary>Gives a port to gRPC alone: HTTP/2 with prior knowledge (h2c), or over TLS when <c>UseHttps</c> stands beside it.</summary>
    public static ListenOptions UseGrpc(this ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.Use(next => connection =>
        {
            connection.Features.Set(GrpcConnectionMark.Instance);
            return next(connection);
        });
        return listen;
    }

    /// <summary>Puts the endpoint into the pipeline, in front of routing. Requests that are not gRPC's pass on.</summary>
    public static IApplicationBuilder MapGrpcEndpoint(this IApplicationBuilder app)
    {
        GrpcDispatcher dispatcher = app.ApplicationServices.GetRequiredService<GrpcDispatcher>();
        return app.Use(next => context => GrpcDispatcher.IsGrpc(context) ? dispatcher.InvokeAsync(context) : next(context));
    }

    private static GrpcMethods BuildMethods(IServiceProvider provider, Action<IServiceProvider, GrpcMethods>? configure)
    {
        GrpcMethods methods = new();
        provider.GetRequiredService<IngestMethods>().AddTo(methods);
        provider.GetRequiredService<GrpcHealth>().AddTo(methods);
        configure?.Invoke(provider, methods);
        new ReflectionService(methods).AddTo(methods);
        return methods;
    }
}

/// <summary>Marks a connection that came in on a port of gRPC's own.</summary>
internal sealed class GrpcConnectionMark
{
    public static readonly GrpcConnectionMark Instance = new();

    private GrpcConnectionMark()
    {
    }
}
