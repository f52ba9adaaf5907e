using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Telemetry.Log.Disk;
using Telemetry.Scenarios.Model;
using Telemetry.Wire.Ingest;

namespace Telemetry.Collector.Options;

/// <summary>Everything an operator may choose. Checked once at start; a fault names the key, the value found and the value expected.</summary>
public sealed record CollectorOptions
{
    /// <summary>Folder of the log, the registry, the insights and the operator token. Created when missing; one collector at a time.</summary>
    public required string DataFolder { get; init; }

    /// <summary>MQTT 3.1.1 and 5, plain TCP. Port 0 = any free one. Default 127.0.0.1:1883; null = off.</summary>
    public IPEndPoint? Mqtt { get; init; } = new(IPAddress.Loopback, 1883);

    /// <summary>MQTT over TLS; needs <see cref="Certificate"/>. Default off.</summary>
    public IPEndPoint? Mqtts { get; init; }

    /// <summary>gRPC over plain HTTP/2 (h2c). Default 127.0.0.1:5317; null = off.</summary>
    public IPEndPoint? Grpc { get; init; } = new(IPAddress.Loopback, 5317);

    /// <summary>gRPC over TLS; needs <see cref="Certificate"/>. Default off.</summary>
    public IPEndPoint? Grpcs { get; init; }

    /// <summary>Health, metrics and the JSON API, HTTP/1.1. Default 127.0.0.1:8080; null = off.</summary>
    public IPEndPoint? Http { get; init; } = new(IPAddress.Loopback, 8080);

    /// <summary>What listens, by option.</summary>
    internal IEnumerable<(string Key, IPEndPoint Address)> Listeners =>
        from listener in new (string Key, IPEndPoint? Address)[] { ("mqtt", Mqtt), ("mqtts", Mqtts), ("grpc", Grpc), ("grpcs", Grpcs), ("http", Http) }
        where listener.Address is not null
        select (listener.Key, listener.Address);

    /// <summary>PEM file with the certificate chain and its private key, for the TLS listeners.</summary>
    public string? Certificate { get; init; }

    /// <summary>The InfluxDB-compatible server to write series to; null = the embedded store alone.</summary>
    public InfluxTarget? Influx { get; init; }

    /// <summary>A broker that is already there, which the collector takes batches from as a client; null = none.</summary>
    public BrokerTarget? Broker { get; init; }

    /// <summary>File of the scenario model; null = the one that is shipped. Another one than before names all segments again.</summary>
    public string? Model { get; init; }

    /// <summary>Where to push metrics by OTLP (gRPC), besides <c>/metrics</c>; null = nowhere.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The lab topic space of the MQTT endpoint, for bringing up hardware. Default off.</summary>
    public bool Lab { get; init; }

    /// <summary>Devices this collector can welcome back in a second. Default 2,000, 1 to 1,000,000. Devices that lost their connection spread by it: twice the size of the fleet
    /// over this rate is the window they draw from, and those sent away get slots at this rate (proto/WIRE.md, "Reconnect").</summary>
    public int ReconnectsPerSecond { get; init; } = FleetSpread.DefaultAcceptsPerSecond;

    /// <summary>Least users behind a released number. Default 20, at least 2.</summary>
    public int ReleaseThreshold { get; init; } = 20;

    /// <summary>How long batches stay in the log as they came, before they are packed into long blocks (which give back the same bytes). Default 7 days.</summary>
    public TimeSpan KeepVerbatim { get; init; } = TimeSpan.FromDays(7);

    /// <summary>What goes after which time. Default: nothing ever.</summary>
    public IReadOnlyList<RetentionRule> Retention { get; init; } = [];

    /// <summary>Whether a state file tells this user's command line where the collector listens. Default true.</summary>
    public bool Announce { get; init; } = true;

    /// <summary>The disk of the log, for tests of what a bad one does; null = the data folder's.</summary>
    internal ILogDisk? LogDisk { get; init; }

    /// <summary>A collector for tests and demos: every listener on a free loopback port, unannounced.</summary>
    public static CollectorOptions OnFreePorts(string dataFolder) => new()
    {
        DataFolder = dataFolder,
        Mqtt = new IPEndPoint(IPAddress.Loopback, 0),
        Grpc = new IPEndPoint(IPAddress.Loopback, 0),
        Http = new IPEndPoint(IPAddress.Loopback, 0),
        Announce = false,
    };

    /// <summary>The model that names segments.</summary>
    /// <exception cref="OptionsException">The file cannot be read or is no sound model.</exception>
    internal ScenarioModel ReadModel()
    {
        try
        {
            return Model is null ? ModelFile.Default : ModelFile.Read(File.ReadAllBytes(Model));
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("model", $"'{Model}' ({fault.Message})", "a model file, as `telemetry scenarios train` writes it");
        }
    }

    /// <summary>The certificate of the TLS listeners with its key, then every certificate of the file, which clients need to get from it to the authority they trust; null without one.</summary>
    /// <exception cref="OptionsException">The file cannot be read, or holds no certificate with its key.</exception>
    internal (X509Certificate2 Own, X509Certificate2Collection Chain)? ReadCertificate()
    {
        if (Certificate is null) return null;
        try
        {
            X509Certificate2 own = X509Certificate2.CreateFromPemFile(Certificate);
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(Certificate);
            return (own, chain);
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("certificate", $"'{Certificate}' ({fault.Message.TrimEnd('.')})", "a PEM file with the certificate, its chain and its own private key, unencrypted");
        }
    }

    /// <summary>Finds what cannot work before anything is opened.</summary>
    /// <exception cref="OptionsException">With the first fault.</exception>
    public void Check()
    {
        if (string.IsNullOrWhiteSpace(DataFolder)) throw new OptionsException("data", "nothing", "a folder, e.g. --data ./telemetry-data");
        if (File.Exists(DataFolder)) throw new OptionsException("data", $"the file '{DataFolder}'", "a folder, or a path where one can be made");
        if (Mqtt is null && Mqtts is null && Grpc is null && Grpcs is null && Broker is null)
        {
            throw new OptionsException("mqtt, mqtts, grpc, grpcs, broker", "all off", "at least one endpoint for devices");
        }

        if ((Mqtts ?? Grpcs) is not null && Certificate is null) throw new OptionsException("certificate", "nothing", "a PEM file with chain and key, because mqtts or grpcs is on");
        _ = ReadCertificate();
        CheckListeners();
        if (ReleaseThreshold < 2) throw new OptionsException("releaseThreshold", ReleaseThreshold.ToString(), "2 or more; 20 is the default");
        if (ReconnectsPerSecond is < 1 or > 1_000_000) throw new OptionsException("reconnectsPerSecond", ReconnectsPerSecond.ToString(CultureInfo.InvariantCulture), "1 to 1,000,000");
        if (KeepVerbatim < TimeSpan.Zero || KeepVerbatim > TimeSpan.FromDays(36_500)) throw new OptionsException("keepVerbatim", $"{KeepVerbatim.TotalDays} days", "0 to 36,500 days");
        ReadModel();
        foreach (RetentionRule rule in Retention) rule.Check();
        Influx?.Check();
        Broker?.Check();
    }

    private void CheckListeners()
    {
        Dictionary<IPEndPoint, string> taken = [];
        foreach ((string key, IPEndPoint address) in Listeners)
        {
            if (address.Port != 0 && !taken.TryAdd(address, key)) throw new OptionsException(key, $"{address}, which is also that of '{taken[address]}'", "an address of its own, or off");
        }
    }
}

/// <summary>An option that cannot work; the text names key, found and expected.</summary>
public sealed class OptionsException(string key, string found, string expected)
    : Exception($"Option '{key}': found {found}; expected {expected}.")
{
    /// <summary>The option at fault.</summary>
    public string Key { get; } = key;
}
