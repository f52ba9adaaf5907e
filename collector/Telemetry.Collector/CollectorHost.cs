using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Telemetry.Collector.Api;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Options;
using Telemetry.Grpc;
using Telemetry.Grpc.Health;
using Telemetry.Mqtt;
using Telemetry.Mqtt.Broker;
using Telemetry.Mqtt.Listening;
using Telemetry.Wire.Ingest;

namespace Telemetry.Collector;

/// <summary>A running collector: the rooms joined, listening, consuming.</summary>
/// <remarks>Several may run in one process, each with a data folder of its own.</remarks>
public sealed class CollectorHost : IAsyncDisposable
{
    /// <summary>Sockets that Kestrel serves at once, all its ports together; the next one is closed at once. As many as MQTT's own listener takes.</summary>
    private const long MaxConnections = 100_000;

    private readonly Rooms _rooms;
    private readonly WebApplication _app;
    private readonly Listeners _listeners;
    private readonly string? _stateFile;
    private bool _isStopped;

    private CollectorHost(CollectorOptions options, Rooms rooms, WebApplication app, Listeners listeners)
    {
        (_rooms, _app, _listeners) = (rooms, app, listeners);
        if (options.Announce && (MqttAddress ?? GrpcAddress) is { } announced)
        {
            _stateFile = new StateFile(
                MqttAddress?.ToString(), GrpcAddress?.ToString(), HttpAddress?.ToString(), rooms.Folder.Path, rooms.Folder.OperatorTokenFile, Environment.ProcessId).Write(announced.Port);
        }
    }

    /// <summary>Where MQTT listens, with the port that was bound; null when off.</summary>
    public IPEndPoint? MqttAddress => _app.Services.GetService<MqttListener>()?.Address;

    /// <summary>Where gRPC listens; null when off.</summary>
    public IPEndPoint? GrpcAddress => _listeners.Grpc?.IPEndPoint;

    /// <summary>Where HTTP listens; null when off.</summary>
    public IPEndPoint? HttpAddress => _listeners.Http?.IPEndPoint;

    /// <summary>Bearer token of operators.</summary>
    public string OperatorToken => _rooms.Folder.OperatorToken;

    /// <summary>The line that tells scripts the collector serves: <c>ready mqtt=... grpc=... http=...</c>.</summary>
    public string ReadyLine
    {
        get
        {
            (string Name, IPEndPoint? Address)[] all =
            [
                ("mqtt", MqttAddress), ("mqtts", _listeners.Mqtts?.IPEndPoint), ("grpc", GrpcAddress), ("grpcs", _listeners.Grpcs?.IPEndPoint), ("http", HttpAddress),
            ];
            return "ready " + string.Join(' ', all.Where(entry => entry.Address is not null).Select(entry => $"{entry.Name}={entry.Address}"));
        }
    }

    /// <summary>Opens the data folder, starts the rooms and listens. Returns when the collector serves.</summary>
    /// <exception cref="OptionsException">An option cannot work; nothing was started.</exception>
    /// <exception cref="IOException">A port is taken, the folder is in use or the disk refuses; what was opened is closed again.</exception>
    public static async Task<CollectorHost> StartAsync(CollectorOptions options, CancellationToken cancellation = default)
    {
        options.Check();
        DataFolder folder = DataFolder.Open(options.DataFolder);
        Rooms? rooms = null;
        try
        {
            ListenAddresses.Check(options);

            // Empty: no settings file is read or watched, no signal is taken, nothing is loaded that nobody asked for.
            WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
            builder.WebHost.UseKestrelCore();
            builder.Services.AddRoutingCore();
            ILoggerFactory loggers = LoggerFactory.Create(ConfigureLogging);
            builder.Services.AddSingleton(loggers);
            rooms = Rooms.Open(options, folder, loggers);
            Listeners listeners = Configure(builder, options, rooms);
            WebApplication app = builder.Build();
            rooms.Readiness.Broker = app.Services.GetService<BrokerLink>();
            app.MapGrpcEndpoint();
            HttpRoutes.Map(app, rooms);
            await app.StartAsync(cancellation);
            rooms.StartConsumers(); // behind the first ack too: after a restart they may have much to read
            return new CollectorHost(options, rooms, app, listeners);
        }
        catch
        {
            if (rooms is not null) await rooms.DisposeAsync();
            else folder.Dispose();
            throw;
        }
    }

    /// <summary>Drains: refuses what is new, flushes and acknowledges what was admitted, lets the consumers keep their place.</summary>
    public async Task StopAsync()
    {
        if (_isStopped) return;
        _isStopped = true;
        if (_stateFile is not null) File.Delete(_stateFile);
        _rooms.Readiness.Stop();
        _app.Services.GetRequiredService<GrpcHealth>().IsServing = false;
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _rooms.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    // Standard output belongs to the ready line; people read standard error.
    private static void ConfigureLogging(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddFilter("Microsoft", LogLevel.Warning);
    }

    private static Listeners Configure(WebApplicationBuilder builder, CollectorOptions options, Rooms rooms)
    {
        builder.Services.AddSingleton<IIngest>(rooms.Ingest);
        builder.Services.AddSingleton(rooms.Time);
        builder.Services.AddMqttEndpoint(new MqttEndpointOptions
        {
            OperatorToken = rooms.Folder.OperatorToken, Lab = options.Lab ? new LabOptions() : null, ReconnectsPerSecond = options.ReconnectsPerSecond,
        });
        if (options.Mqtt is not null) builder.Services.AddMqttListener(options.Mqtt);
        if (options.Broker is { } broker) builder.Services.AddBrokerLink(broker.ToLinkOptions(rooms.Folder.Name));
        builder.Services.AddGrpcEndpoint(new GrpcEndpointOptions(), (_, methods) => GrpcRoutes.AddTo(methods, rooms));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));

        (X509Certificate2 Own, X509Certificate2Collection Chain)? certificate = options.ReadCertificate();
        Listeners listeners = new();
        if ((options.Mqtts ?? options.Grpc ?? options.Grpcs ?? options.Http) is null) builder.Services.AddSingleton<IServer, NoServer>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            Listen(options.Mqtts, listen => (listeners.Mqtts = listen).UseHttps(ProveIdentity).UseConnectionHandler<MqttConnectionHandler>());
            Listen(options.Grpc, listen => (listeners.Grpc = listen).UseGrpc());
            Listen(options.Grpcs, listen => (listeners.Grpcs = listen).UseGrpc().UseHttps(ProveIdentity));
            Listen(options.Http, listen => (listeners.Http = listen).Protocols = HttpProtocols.Http1);

            void Listen(IPEndPoint? endPoint, Action<ListenOptions> configure)
            {
                if (endPoint is not null) kestrel.Listen(endPoint, configure);
            }

            void ProveIdentity(HttpsConnectionAdapterOptions https) => (https.ServerCertificate, https.ServerCertificateChain) = certificate!.Value;
        });
        return listeners;
    }

    private sealed class Listeners
    {
        public ListenOptions? Mqtts { get; set; }
        public ListenOptions? Grpc { get; set; }
        public ListenOptions? Grpcs { get; set; }
        public ListenOptions? Http { get; set; }
    }
}
