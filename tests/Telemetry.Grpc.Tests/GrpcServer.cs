using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Telemetry.Grpc.Health;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>The endpoint on a real Kestrel: an h2c port, a TLS port with a certificate of its own, and an HTTP/1.1 port, each free and on loopback.</summary>
internal sealed class GrpcServer : IAsyncDisposable
{
    public const string OperatorToken = "operator-token-1";

    /// <summary>Made once: an RSA key costs more than all the calls of a test.</summary>
    private static readonly Lazy<X509Certificate2> TestCertificate = new(MakeCertificate);

    private readonly WebApplication _app;

    private readonly DefectLog _defects;

    private GrpcServer(WebApplication app, DefectLog defects)
    {
        (_app, _defects) = (app, defects);
        string[] addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        (PlainPort, TlsPort, Http1Port) = (new Uri(addresses[0]).Port, new Uri(addresses[1]).Port, new Uri(addresses[2]).Port);
    }

    public int PlainPort { get; }

    public int TlsPort { get; }

    public int Http1Port { get; }

    public static X509Certificate2 Certificate => TestCertificate.Value;

    public GrpcHealth Health => _app.Services.GetRequiredService<GrpcHealth>();

    public GrpcMetrics Metrics => _app.Services.GetRequiredService<GrpcMetrics>();

    /// <summary>What was logged as an error: handlers that failed, and what Kestrel could not explain.</summary>
    public IEnumerable<string> Defects => _defects.Errors;

    public static async Task<GrpcServer> StartAsync(FakeIngest ingest, GrpcEndpointOptions? options = null, TimeProvider? time = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        DefectLog defects = new();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(defects);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton<IIngest>(ingest);
        if (time is not null) builder.Services.AddSingleton(time);
        builder.Services.AddGrpcEndpoint(options ?? new GrpcEndpointOptions(), (_, methods) => AddTestMethods(methods));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseGrpc());
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.UseGrpc();
                listen.UseHttps(Certificate);
            });
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        WebApplication app = builder.Build();
        app.MapGrpcEndpoint();
        await app.StartAsync();
        return new GrpcServer(app, defects);
    }

    /// <summary>Begins a graceful stop; the task ends when every call has.</summary>
    public Task StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void AddTestMethods(GrpcMethods methods)
    {
        GrpcAuthorization bearer = GrpcAuthorizations.Bearer(token => token == OperatorToken);
        methods.Describe(() => RegistryReflection.Descriptor).Describe(() => QueryReflection.Descriptor)
            .Unary<Brand, Brand>("telemetry.v1.Registry/PutBrand", PutBrandAsync, bearer)
            .ServerStreaming<SamplesRequest, SamplesPage>("telemetry.v1.Query/Samples", SamplesAsync, bearer)
            .ClientStreaming<Brand, BrandList>("test.Shapes/Collect", CollectAsync)
            .Duplex<Brand, Brand>("test.Shapes/Echo", EchoAsync)
            .Unary<Brand, Brand>("test.Shapes/Metadata", MetadataAsync)
            .Unary<Brand, Brand>("test.Shapes/Hang", HangAsync)
            .Unary<Brand, Brand>("test.Shapes/Throw", (_, _) => throw new InvalidOperationException("a secret of the handler"));
    }

    private static ValueTask<Brand> PutBrandAsync(Brand brand, GrpcCall call) =>
        brand.Id.Length > 0
            ? ValueTask.FromResult(brand)
            : throw new GrpcException(GrpcStatusCode.InvalidArgument, "Brand id is empty: \"Größe 100 %\" is no id.\n");

    private static async IAsyncEnumerable<SamplesPage> SamplesAsync(SamplesRequest request, GrpcCall call)
    {
        for (long page = request.FromUnixMs; page < request.ToUnixMs; page++)
        {
            SamplesPage samples = new();
            for (int i = 0; i < 100; i++) samples.Samples.Add(new Sample { Brand = "acme", Device = request.Device, Signal = "heart_rate", UnixMs = page * 100 + i, Value = 61 });
            yield return samples;
            await Task.Yield();
        }
    }

    private static async ValueTask<BrandList> CollectAsync(IAsyncEnumerable<Brand> brands, GrpcCall call)
    {
        BrandList list = new();
        await foreach (Brand brand in brands.WithCancellation(call.Cancellation)) list.Brands.Add(brand);
        return list;
    }

    private static async IAsyncEnumerable<Brand> EchoAsync(IAsyncEnumerable<Brand> brands, GrpcCall call)
    {
        await foreach (Brand brand in brands.WithCancellation(call.Cancellation)) yield return brand;
    }

    private static ValueTask<Brand> MetadataAsync(Brand brand, GrpcCall call)
    {
        call.AddHeader("x-answer", call.Metadata["x-question"].ToString());
        byte[] bytes = call.BinaryMetadata("x-bytes-bin") ?? [];
        call.AddTrailer("x-bytes-bin", Convert.ToBase64String(bytes));
        return ValueTask.FromResult(brand);
    }

    private static async ValueTask<Brand> HangAsync(Brand brand, GrpcCall call)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.Cancellation);
        return brand;
    }

    private static X509Certificate2 MakeCertificate()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), password: null);
    }

    private sealed class DefectLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Errors { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Errors.Enqueue($"{eventId}: {formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
