using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Telemetry.Mqtt.Broker;

namespace Telemetry.Collector.Options;

/// <summary>A broker that is already there.</summary>
public sealed record BrokerTarget
{
    /// <summary><c>mqtt://[user@]host[:port]</c>, or <c>mqtts://</c> over TLS.</summary>
    public required Uri Url { get; init; }

    /// <summary>File with the user's password; its content never reaches a log.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>"5" or "3.1.1". Default 5.</summary>
    public string Version { get; init; } = "5";

    /// <summary>Share name, for several collectors behind a broker that keeps a device with one of them. Null = alone.</summary>
    public string? Share { get; init; }

    /// <summary>Topic filters down to the device level; null = <c>t1/+/+</c>.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>Client identifier at the broker; null = one drawn from the data folder, so that it stays the same.</summary>
    public string? ClientId { get; init; }

    /// <summary>PEM file with the authorities the broker's certificate must descend from; null = the system's.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>The link's settings; what is not said here keeps the link's default.</summary>
    /// <param name="folderName">Names the data folder, the same at every start.</param>
    internal BrokerOptions ToLinkOptions(string folderName)
    {
        BrokerOptions options = new()
        {
            Url = Url,
            Password = PasswordFile is null ? null : File.ReadAllText(PasswordFile).TrimEnd('\r', '\n'),
            UsesVersion311 = Version == "3.1.1",
            ShareName = Share,
            ClientId = ClientId ?? $"telemetry-{folderName}",
        };
        if (Devices is not null) options = options with { Devices = Devices };
        if (AuthorityFile is null) return options;

        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(AuthorityFile);
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("brokerCa", $"'{AuthorityFile}' ({fault.Message.TrimEnd('.')})", "a PEM file with certificates");
        }

        if (authorities.Count == 0) throw new OptionsException("brokerCa", $"'{AuthorityFile}', which holds no certificate", "a PEM file with certificates");
        return options with { TrustedAuthorities = authorities };
    }

    internal void Check()
    {
        if (Version is not ("5" or "3.1.1")) throw new OptionsException("brokerVersion", $"'{Version}'", "5 or 3.1.1");
        if (PasswordFile is not null && !File.Exists(PasswordFile)) throw new OptionsException("brokerPasswordFile", $"'{PasswordFile}', which does not exist", "a file holding the password");
        try
        {
            ToLinkOptions("check").Validate();
        }
        catch (ArgumentException fault)
        {
            throw new OptionsException("broker", $"'{Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)}' and what stands beside it", $"what works: {fault.Message.TrimEnd('.')}");
        }
    }
}
