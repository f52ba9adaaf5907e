using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Telemetry.Collector.Options;
using Telemetry.Influx;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Options;

public sealed class OptionsTests
{
    [Theory]
    [InlineData("127.0.0.1:1883", "127.0.0.1", 1883)]
    [InlineData("[::1]:0", "::1", 0)]
    [InlineData("localhost:65535", "127.0.0.1", 65535)]
    [InlineData("*:80", "0.0.0.0", 80)]
    public void HostPort_AsOperatorsWriteIt_IsRead(string text, string address, int port) =>
        Assert.Equal(new IPEndPoint(IPAddress.Parse(address), port), HostPort.Parse("mqtt", text));

    [Fact]
    public void HostPort_Off_IsNoEndPoint() => Assert.Null(HostPort.Parse("mqtt", "off"));

    [Theory]
    [InlineData("1883")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:")]
    [InlineData("example.org:1883")]
    public void HostPort_AnythingElse_NamesKeyAndValue(string text)
    {
        OptionsException fault = Assert.Throws<OptionsException>(() => HostPort.Parse("mqtt", text));
        Assert.Equal("mqtt", fault.Key);
        Assert.Contains($"'{text}'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigFile_UnknownKey_IsNamedWithItsLine()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["c.json"], "{\n  \"data\": \"x\",\n  \"mqqt\": \"127.0.0.1:1\"\n}");
        OptionsException fault = Assert.Throws<OptionsException>(() => ConfigFile.Read(folder["c.json"]));
        Assert.Contains("line 3: no option has the key 'mqqt'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigFile_ValueOfAnotherKind_IsNamedWithItsLine()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["c.json"], "{\n  \"lab\": \"yes\"\n}");
        OptionsException fault = Assert.Throws<OptionsException>(() => ConfigFile.Read(folder["c.json"]));
        Assert.Contains("line 2: the value of 'lab' is of another kind than the option's", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_BrokerThatIsNone_IsNamed()
    {
        CollectorOptions options = new ConfigFile { Broker = "http://x/y" }.ToOptions();
        Assert.Contains("'http://x/y'", Assert.Throws<OptionsException>(options.Check).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\n \"mqqt\": 1 }", "line 2: no option has the key 'mqqt'")]
    [InlineData("{ \"releaseThreshold\": \"many\" }", "line 1: the value of 'releaseThreshold' is of another kind")]
    [InlineData("{ \"retention\": [ { \"days\": [] } ] }", "line 1: the value of 'retention' is of another kind")]
    [InlineData("[]", "line 1: it is no object")]
    [InlineData("{ \"data\": \"x\",\n \"mqtt\" }", "line 2: '}' is invalid")]
    public void ConfigFile_Broken_SaysWhatAndWhereWithoutTypesOfNet(string json, string words)
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["c.json"], json);
        OptionsException fault = Assert.Throws<OptionsException>(() => ConfigFile.Read(folder["c.json"]));
        Assert.Contains($"'{folder["c.json"]}', {words}", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigFile_ThatIsAFolderOrMissing_IsRefused()
    {
        using TempFolder folder = new();
        Assert.Contains(folder.Path, Assert.Throws<OptionsException>(() => ConfigFile.Read(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Equal("config", Assert.Throws<OptionsException>(() => ConfigFile.Read(folder["missing.json"])).Key);
    }

    [Fact]
    public void ConfigFile_Silent_MeansDefaults()
    {
        CollectorOptions options = new ConfigFile { Data = "d", Grpc = "off" }.ToOptions();
        Assert.Equal(1883, options.Mqtt!.Port);
        Assert.Null(options.Grpc);
        Assert.Equal(20, options.ReleaseThreshold);
    }

    [Fact]
    public void ConfigFile_SegmentsToInflux_AreOffUnlessAskedForAndNeedAServer()
    {
        Assert.False(new ConfigFile { Influx = "http://127.0.0.1:8086" }.ToOptions().Influx!.Segments);
        Assert.True(new ConfigFile { Influx = "http://127.0.0.1:8086", InfluxSegments = true }.ToOptions().Influx!.Segments);
        Assert.True(new ConfigFile { Influx = "http://127.0.0.1:8086", InfluxReleases = true }.ToOptions().Influx is { Releases: true, Segments: false });
        Assert.Equal("influxReleases", Assert.Throws<OptionsException>(() => new ConfigFile { InfluxReleases = true }.ToOptions()).Key);
        Assert.Equal("influxSegments", Assert.Throws<OptionsException>(() => new ConfigFile { InfluxSegments = true }.ToOptions()).Key);
    }

    [Fact]
    public void ConfigFile_OptionsOfInfluxWithoutIt_AreRefused()
    {
        Assert.Equal("influxBucket", Assert.Throws<OptionsException>(() => new ConfigFile { InfluxBucket = "b" }.ToOptions()).Key);
        OptionsException fault = Assert.Throws<OptionsException>(() => new ConfigFile { InfluxSchema = "model", InfluxQuality = false }.ToOptions());
        Assert.Contains("'influxSchema': found 'model' without influx", fault.Message, StringComparison.Ordinal);
        Assert.Null(new ConfigFile { InfluxQuality = false }.ToOptions().Influx);
    }

    [Fact]
    public void ConfigFile_WhatALineIs_ReachesTheSink()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["key"], " a secret of the operator\n");
        File.WriteAllText(folder["c.json"], $$"""{"influx": "http://127.0.0.1:1", "influxSchema": "model", "influxDeviceKeyFile": "{{folder["key"]}}", "influxGzip": true, "influxQuality": true}""");
        CollectorOptions options = ConfigFile.Read(folder["c.json"]).ToOptions();
        options.Check();
        InfluxOptions sink = options.Influx!.ToSinkOptions("r");
        Assert.Equal((InfluxSchema.MeasurementPerModel, "a secret of the operator", true, true), (sink.Schema, sink.DeviceHashKey, sink.Gzip, sink.WriteQuality));
        InfluxOptions defaults = new InfluxTarget { Url = new Uri("http://127.0.0.1:1") }.ToSinkOptions("other");
        Assert.NotEqual(defaults.JitterSeed, sink.JitterSeed);
        Assert.Equal(sink.JitterSeed, options.Influx!.ToSinkOptions("r").JitterSeed);
        Assert.Equal((InfluxSchema.MeasurementPerSignal, "", null, false), (defaults.Schema, defaults.DeviceHashKey, defaults.Gzip, defaults.WriteQuality));
    }

    [Theory]
    [InlineData("{\"retention\": [null]}", "retention")]
    [InlineData("{\"retention\": [{\"brand\": \"\", \"days\": 1}]}", "retention.brand")]
    [InlineData("{\"influx\": \"http://h\", \"influxSettleSeconds\": 1e300}", "influxSettleSeconds")]
    [InlineData("{\"influx\": \"http://h\", \"influxSettleSeconds\": -1}", "influxSettleSeconds")]
    [InlineData("{\"influx\": \"http://h\", \"influxBucket\": \"\"}", "influxBucket")]
    [InlineData("{\"influx\": \"http://h/write?db=x\"}", "influx")]
    public void ConfigFile_ValueThatCannotWork_NamesItsKey(string json, string key)
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["c.json"], json);
        Assert.Equal(key, Assert.Throws<OptionsException>(() => ConfigFile.Read(folder["c.json"]).ToOptions().Check()).Key);
    }

    [Fact]
    public void Check_SchemaOrDeviceKeyThatIsNone_IsRefused()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["short"], "fifteen letters\n");
        InfluxTarget target = new() { Url = new Uri("http://127.0.0.1:1") };
        Assert.Equal("influxSchema", Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Influx = target with { Schema = "signals" } }).Check).Key);
        OptionsException fault = Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Influx = target with { DeviceKeyFile = folder["short"] } }).Check);
        Assert.Equal("influxDeviceKeyFile", fault.Key);
        Assert.Contains("which is 15 characters long", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("fifteen", fault.Message, StringComparison.Ordinal);
        Assert.Equal("influxDeviceKeyFile", Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Influx = target with { DeviceKeyFile = folder["none"] } }).Check).Key);
    }

    [Fact]
    public void Check_TlsWithoutCertificate_IsRefused()
    {
        CollectorOptions options = CollectorOptions.OnFreePorts("d") with { Mqtts = new IPEndPoint(IPAddress.Loopback, 0) };
        Assert.Equal("certificate", Assert.Throws<OptionsException>(options.Check).Key);
    }

    // Missing, a folder, no PEM, a certificate without its key, and one with the key of another.
    [Fact]
    public void Check_CertificateThatCannotServe_IsRefusedBeforeAnythingStarts()
    {
        using TempFolder folder = new();
        using RSA key = RSA.Create(2048), other = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest("CN=collector", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        string pem = certificate.ExportCertificatePem() + "\n";
        File.WriteAllText(folder["none.pem"], "{}");
        File.WriteAllText(folder["bare.pem"], pem);
        File.WriteAllText(folder["foreign.pem"], pem + other.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(folder["good.pem"], pem + key.ExportPkcs8PrivateKeyPem());
        CollectorOptions options = CollectorOptions.OnFreePorts("d") with { Mqtts = new IPEndPoint(IPAddress.Loopback, 0) };
        foreach (string file in (string[])[folder["missing.pem"], folder.Path, folder["none.pem"], folder["bare.pem"], folder["foreign.pem"]])
        {
            OptionsException fault = Assert.Throws<OptionsException>((options with { Certificate = file }).Check);
            Assert.Equal("certificate", fault.Key);
            Assert.Contains($"'{file}'", fault.Message, StringComparison.Ordinal);
        }

        (options with { Certificate = folder["good.pem"] }).Check();
        foreach (string file in (string[])[folder["missing.pem"], folder["none.pem"]])
        {
            CollectorOptions broker = new ConfigFile { Broker = "mqtts://127.0.0.1:8883", BrokerCa = file }.ToOptions();
            Assert.Contains($"Option 'brokerCa': found '{file}'", Assert.Throws<OptionsException>(broker.Check).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Check_TwoListenersOnOneAddress_IsRefused()
    {
        IPEndPoint one = new(IPAddress.Loopback, 1883);
        OptionsException fault = Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Mqtt = one, Grpc = new IPEndPoint(IPAddress.Loopback, 1883) }).Check);
        Assert.Equal("grpc", fault.Key);
        Assert.Contains("127.0.0.1:1883, which is also that of 'mqtt'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_TokenFileThatHoldsNone_IsRefused()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["empty"], "\n");
        File.WriteAllText(folder["two lines"], "user\npassword\n");
        foreach (string file in (string[])[folder["missing"], folder["empty"], folder["two lines"], folder.Path])
        {
            CollectorOptions options = CollectorOptions.OnFreePorts("d") with { Influx = new InfluxTarget { Url = new Uri("http://127.0.0.1:1"), TokenFile = file } };
            Assert.Equal("influxTokenFile", Assert.Throws<OptionsException>(options.Check).Key);
        }
    }

    [Fact]
    public void Check_ModelThatIsNone_IsRefused()
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["model.json"], "{}");
        foreach (string file in (string[])[folder["model.json"], folder["missing.json"]])
        {
            OptionsException fault = Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Model = file }).Check);
            Assert.Equal("model", fault.Key);
            Assert.Contains(file, fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Check_NoEndpointForDevices_IsRefused() =>
        Assert.Throws<OptionsException>((CollectorOptions.OnFreePorts("d") with { Mqtt = null, Grpc = null }).Check);
}
