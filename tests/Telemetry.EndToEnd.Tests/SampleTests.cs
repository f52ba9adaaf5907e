using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>The firmware samples as a team starts them: programs of their own against a collector, over TCP and over TLS.</summary>
public sealed class SampleTests
{
    private const string Seconds = "2";

    [Fact]
    public async Task Samples_OverTcpAndTls_DeliverAllAndPassTheCheck()
    {
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["host.pem"], SelfSigned());
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--mqtts", "127.0.0.1:0", "--certificate", folder["host.pem"]);
        string ready = await collector.LineAsync(line => line.StartsWith("ready ", StringComparison.Ordinal));
        int tlsPort = IPEndPoint.Parse(ready.Split(' ').Single(part => part.StartsWith("mqtts=", StringComparison.Ordinal))[6..]).Port;
        await collector.TelemetryAsync("brand", "add", "acme");

        await Task.WhenAll(
            DeliversAsync("Wristband", "sample-band", collector.MqttPort),
            DeliversAsync("Shoe", "sample-shoe", tlsPort, "--tls"),
            DeliversAsync("RoomSensor", "sample-room", tlsPort, "--tls"));

        async Task DeliversAsync(string sample, string model, int port, params string[] options)
        {
            string device = sample.ToLowerInvariant(), program = Path.Combine(RealParts.RepositoryRoot, "device", "samples", sample);
            await collector.TelemetryAsync("model", "add", "acme", Path.Combine(program, "profile.json"));
            using JsonDocument added = JsonDocument.Parse(await collector.TelemetryAsync("device", "add", $"acme/{device}", "--model", model, "--json"));
            string secret = added.RootElement.GetProperty("secret").GetString()!;

            // The certificate is one of the machine's authorities here; the spool goes to the test's folder.
            Dictionary<string, string> environment = new() { ["SSL_CERT_FILE"] = folder["host.pem"], ["TMPDIR"] = folder.Path };
            string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            (int exit, string output, string transcript) = await ChildProcess.RunAsync(
                "dotnet", [Path.Combine(program, "bin", configuration, "net10.0", $"{sample}.dll"), "localhost", $"{port}", "acme", device, secret, Seconds, .. options], folder.Path, environment);
            Assert.True(exit == 0, transcript);
            Assert.Contains("spooled 0, dropped 0", output, StringComparison.Ordinal);
            await collector.TelemetryAsync("device", "check", $"acme/{device}"); // exit 0: no faults
        }
    }

    private static string SelfSigned()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2120, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem();
    }
}
