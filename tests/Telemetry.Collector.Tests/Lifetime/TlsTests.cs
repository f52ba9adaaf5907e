using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Telemetry.Collector.Options;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Lifetime;

public sealed class TlsTests
{
    private static readonly DateTimeOffset ValidFrom = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), ValidTo = new(2120, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Mqtts_ConnectWithoutCredentials_IsAnsweredOverTls()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await StartAsync(folder);
        using TcpClient client = new();
        await client.ConnectAsync(AddressOf(host, "mqtts"));
        await using SslStream tls = new(client.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate?.Subject == "CN=localhost");
        await tls.AuthenticateAsClientAsync("localhost");

        // CONNECT of MQTT 3.1.1 with clean session, no user name: refused in the protocol's own words, so the handler behind TLS is ours.
        await tls.WriteAsync((byte[])[0x10, 13, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 2, 0, 60, 0, 1, (byte)'a']);
        byte[] connack = new byte[4];
        await tls.ReadExactlyAsync(connack);
        Assert.Equal((0x20, 2, 0), (connack[0], connack[1], connack[2]));
        Assert.InRange(connack[3], (byte)4, (byte)5); // bad credentials or not authorized
    }

    [Fact]
    public async Task Grpcs_UnknownMethod_IsAnsweredOverTlsByHttp2()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await StartAsync(folder);
        using SocketsHttpHandler handler = new() { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost" } };
        using HttpClient http = new(handler);
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri($"https://{AddressOf(host, "grpcs")}/telemetry.v1.Nothing/Ever"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new("application/grpc") } },
        };
        request.Headers.TE.Add(new("trailers"));
        using HttpResponseMessage answer = await http.SendAsync(request);
        await answer.Content.LoadIntoBufferAsync();
        string status = answer.Headers.TryGetValues("grpc-status", out IEnumerable<string>? inHeaders) ? inHeaders.Single() : answer.TrailingHeaders.GetValues("grpc-status").Single();
        Assert.Equal("12", status); // UNIMPLEMENTED
    }

    // As bought certificates come: the client trusts an authority's root and has never seen the certificate between it and the collector's.
    [Fact]
    public async Task Tls_CertificateOfAnIntermediateAuthority_IsSentWithItsChain()
    {
        using RSA rootKey = RSA.Create(2048), middleKey = RSA.Create(2048), key = RSA.Create(2048);
        using X509Certificate2 root = AuthorityRequest("CN=root", rootKey).CreateSelfSigned(ValidFrom, ValidTo);
        using X509Certificate2 middle = AuthorityRequest("CN=middle", middleKey).Create(root, ValidFrom, ValidTo, [1]).CopyWithPrivateKey(middleKey);
        using X509Certificate2 own = HostRequest(key).Create(middle, ValidFrom, ValidTo, [2]);
        using TempFolder folder = new();
        await using CollectorHost host = await StartAsync(folder, own.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n" + middle.ExportCertificatePem());
        foreach (string listener in (string[])["mqtts", "grpcs"])
        {
            using TcpClient client = new();
            await client.ConnectAsync(AddressOf(host, listener));
            await using SslStream tls = new(client.GetStream());
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
            });
            Assert.Equal("CN=localhost", tls.RemoteCertificate!.Subject);
        }
    }

    private static CertificateRequest HostRequest(RSA key)
    {
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private static CertificateRequest AuthorityRequest(string name, RSA key)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        return request;
    }

    private static async Task<CollectorHost> StartAsync(TempFolder folder)
    {
        using RSA key = RSA.Create(2048);
        using X509Certificate2 certificate = HostRequest(key).CreateSelfSigned(ValidFrom, ValidTo);
        return await StartAsync(folder, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
    }

    private static async Task<CollectorHost> StartAsync(TempFolder folder, string pem)
    {
        await File.WriteAllTextAsync(folder["host.pem"], pem);
        return await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]) with
        {
            Mqtts = new IPEndPoint(IPAddress.Loopback, 0),
            Grpcs = new IPEndPoint(IPAddress.Loopback, 0),
            Certificate = folder["host.pem"],
        });
    }

    private static IPEndPoint AddressOf(CollectorHost host, string listener) =>
        IPEndPoint.Parse(host.ReadyLine.Split(' ').Single(part => part.StartsWith($"{listener}=", StringComparison.Ordinal))[(listener.Length + 1)..]);
}
