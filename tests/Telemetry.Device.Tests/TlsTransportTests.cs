using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests;

public sealed class TlsTransportTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    [Fact]
    public async Task Publish_OverTls_EveryBatchIsAcked()
    {
        using X509Certificate2 certificate = SelfSigned("localhost");
        await using TlsFront front = new(certificate);
        using TlsTransport transport = new([certificate], null);
        Rig rig = new(options =>
        {
            options.Host = "localhost";
            options.Port = front.Port;
            options.Transport = transport;
        });
        for (int i = 0; i < 30; i++)
        {
            rig.Client.Record(Rig.HeartRate, 60 + i);
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }

        Stopwatch watch = Stopwatch.StartNew();
        while (!rig.Client.IsDrained && watch.Elapsed < Limit)
        {
            rig.Client.Step();
            await Task.Yield();
        }

        Assert.True(rig.Client.IsDrained, transport.LastFault?.Message ?? "not drained");
        Assert.Equal(60, Rig.Samples(front.Broker.Published).Count);
        rig.Client.Stop();
    }

    [Fact]
    public async Task Connect_CertificateOfAnotherAuthority_IsRefused()
    {
        using X509Certificate2 served = SelfSigned("localhost");
        using X509Certificate2 trusted = SelfSigned("localhost");
        await using TlsFront front = new(served);
        using TlsTransport transport = new([trusted], null);
        TransportStatus status = TransportStatus.Pending;
        Stopwatch watch = Stopwatch.StartNew();
        while (status == TransportStatus.Pending && watch.Elapsed < Limit)
        {
            status = transport.Connect("localhost", front.Port);
            await Task.Yield();
        }

        Assert.Equal(TransportStatus.Broken, status);
        Assert.NotNull(transport.LastFault);
        Assert.Equal(-1, transport.Send([1], 0, 1));
        Assert.Equal(-1, transport.Receive(new byte[1], 0, 1));
    }

    private static X509Certificate2 SelfSigned(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

    /// <summary>A TLS listener in front of a scripted broker.</summary>
    private sealed class TlsFront : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Any, 0);
        private readonly Task _serving;

        public TlsFront(X509Certificate2 certificate)
        {
            _listener.Start();
            _serving = ServeAsync(certificate);
        }

        public ScriptedBroker Broker { get; } = new();

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync(X509Certificate2 certificate)
        {
            try
            {
                using Socket socket = await _listener.AcceptSocketAsync();
                await using SslStream stream = new(new NetworkStream(socket));
                await stream.AuthenticateAsServerAsync(certificate);
                Broker.Connect("", 0);
                byte[] buffer = new byte[2048];
                for (int read = await stream.ReadAsync(buffer); read > 0; read = await stream.ReadAsync(buffer))
                {
                    Broker.Send(buffer, 0, read);
                    for (int said = Broker.Receive(buffer, 0, buffer.Length); said > 0; said = Broker.Receive(buffer, 0, buffer.Length))
                        await stream.WriteAsync(buffer.AsMemory(0, said));
                }
            }
            catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The client hung up or refused the certificate: what the test asserts shows it.
            }
        }
    }
}
