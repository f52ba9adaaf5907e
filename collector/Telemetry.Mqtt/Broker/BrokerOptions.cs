using System.Security.Cryptography.X509Certificates;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Broker;

/// <summary>Settings of the link to a broker that is already there. Checked at start by <see cref="Validate"/>.</summary>
public sealed record BrokerOptions
{
    /// <summary><c>mqtt://host:port</c> (1883 if none is named) or <c>mqtts://host:port</c> (8883), with <c>user@</c> where the broker wants a name.</summary>
    public required Uri Url { get; init; }

    /// <summary>Names our session at the broker, which keeps batches under it while we are away: the same at every start, different for every collector. 1-64 of A-Z a-z 0-9 _ -.</summary>
    public required string ClientId { get; init; }

    /// <summary>Password of the user in <see cref="Url"/>; never logged.</summary>
    public string? Password { get; init; }

    /// <summary>True = MQTT 3.1.1, false = MQTT 5.0. Default 5.0.</summary>
    public bool UsesVersion311 { get; init; }

    /// <summary>Share name: the subscription becomes <c>$share/NAME/...</c>, one of the collectors of that name gets each batch. Null = alone, the default.</summary>
    public string? ShareName { get; init; }

    /// <summary>Which devices: topic filters down to the device level. Default every brand's, <c>t1/+/+</c>. At most 64.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [$"{Topics.Root}/+/+"];

    /// <summary>Certificates the broker's must descend from; null = the system's.</summary>
    public X509Certificate2Collection? TrustedAuthorities { get; init; }

    /// <summary>Batches taken and not yet acknowledged; told to an MQTT 5.0 broker as Receive Maximum. From a
    /// 3.1.1 broker as many again are taken while one such group is at the flush, then the socket is read no further. Default 1,000, 1-65,535.</summary>
    public int MaxInFlight { get; init; } = 1_000;

    /// <summary>Largest packet taken. Default: a full batch and 64 KiB of topic and properties.</summary>
    public int MaxPacketBytes { get; init; } = WireLimits.MaxBatchBytes + (64 * 1024);

    /// <summary>Devices whose Commands are watched from the first batch on; further ones hear at their births only. Default 200,000.</summary>
    public int MaxWatchedDevices { get; init; } = 200_000;

    /// <summary>Keep Alive told to the broker. Default 30 s, 2-65,535 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From the open socket to the granted subscription. Default 15 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Pause after the first failure; doubled with each further one. Default 0.5 s.</summary>
    public TimeSpan FirstRetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest pause. Default 30 s.</summary>
    public TimeSpan LongestRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    internal bool IsTls => Url.Scheme == "mqtts";

    internal int Port => Url.Port > 0 ? Url.Port : IsTls ? 8883 : 1883;

    /// <summary>Host and port without the user, for logs and reasons.</summary>
    internal string Address => $"{Url.Scheme}://{Url.Host}:{Port}";

    internal string? UserName => Url.UserInfo.Length == 0 ? null : Uri.UnescapeDataString(Url.UserInfo);

    internal MqttVersion Version => UsesVersion311 ? MqttVersion.V311 : MqttVersion.V5;

    /// <summary>What is subscribed to: the batches and the births of <see cref="Devices"/>.</summary>
    internal IReadOnlyList<string> Filters
    {
        get
        {
            string share = ShareName is null ? "" : $"$share/{ShareName}/";
            return [.. Devices.SelectMany(device => (string[])[$"{share}{device}/up", $"{share}{device}/life"])];
        }
    }

    /// <summary>Checks what can be checked without the broker.</summary>
    /// <exception cref="ArgumentException">Names the option, the value found and what is expected; never the password.</exception>
    public void Validate()
    {
        if (!Url.IsAbsoluteUri || Url.Scheme is not ("mqtt" or "mqtts") || Url.Host.Length == 0) throw Wrong(nameof(Url), "an address mqtt://HOST:PORT or mqtts://HOST:PORT is required");
        if (Url.UserInfo.Contains(':')) throw Wrong(nameof(Url), "only the user name may stand in the address; the password comes from a file");
        if (Password is not null && UserName is null) throw Wrong(nameof(Password), "a password needs a user name: mqtt://USER@HOST");
        if (!Topics.IsDeviceId(ClientId)) throw Wrong(nameof(ClientId), "1-64 of A-Z a-z 0-9 _ - are required");
        if (ShareName is not null && !Topics.IsDeviceId(ShareName)) throw Wrong(nameof(ShareName), "1-64 of A-Z a-z 0-9 _ - are required");
        if (Devices.Count is 0 or > 64 || Devices.Any(filter => !IsDeviceFilter(filter))) throw Wrong(nameof(Devices), "1-64 filters such as t1/+/+ or t1/acme/+ are required");
        InRange(nameof(MaxInFlight), MaxInFlight, 1, ushort.MaxValue);
        InRange(nameof(MaxPacketBytes), MaxPacketBytes, 1024, 16 * 1024 * 1024);
        InRange(nameof(MaxWatchedDevices), MaxWatchedDevices, 0, 10_000_000);
        InRange(nameof(KeepAlive), (long)KeepAlive.TotalSeconds, 2, ushort.MaxValue);
        InRange(nameof(ConnectTimeout), (long)ConnectTimeout.TotalMilliseconds, 100, 600_000);
        InRange(nameof(FirstRetryDelay), (long)FirstRetryDelay.TotalMilliseconds, 1, 600_000);
        InRange(nameof(LongestRetryDelay), (long)LongestRetryDelay.TotalMilliseconds, (long)FirstRetryDelay.TotalMilliseconds, 3_600_000);
    }

    private static bool IsDeviceFilter(string filter) =>
        filter.Split('/') is [Topics.Root, var brand, var device] && (brand == "+" || Topics.IsBrandId(brand)) && (device == "+" || Topics.IsDeviceId(device));

    private static ArgumentException Wrong(string name, string expected) => new($"{name}: {expected}.");

    private static void InRange(string name, long value, long min, long max)
    {
        if (value < min || value > max) throw new ArgumentException($"{name} is {value}; {min}-{max} is required.");
    }
}
