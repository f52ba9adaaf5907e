using System.Text.Json;

namespace Telemetry.Collector.Options;

/// <summary>The JSON file of <c>--config</c>: one object whose keys are the command line's long options in camelCase. The command line wins over it.</summary>
public sealed record ConfigFile
{
    public string? Data { get; init; }
    public string? Mqtt { get; init; }
    public string? Mqtts { get; init; }
    public string? Grpc { get; init; }
    public string? Grpcs { get; init; }
    public string? Http { get; init; }
    public string? Certificate { get; init; }
    public string? Influx { get; init; }
    public string? InfluxBucket { get; init; }
    public string? InfluxOrg { get; init; }
    public string? InfluxTokenFile { get; init; }
    public string? InfluxApi { get; init; }
    public string? InfluxSchema { get; init; }
    public string? InfluxDeviceKeyFile { get; init; }
    public bool? InfluxGzip { get; init; }
    public bool? InfluxQuality { get; init; }
    public double? InfluxSettleSeconds { get; init; }
    public bool? InfluxSegments { get; init; }
    public bool? InfluxReleases { get; init; }
    public string? Broker { get; init; }
    public string? BrokerPasswordFile { get; init; }
    public string? BrokerVersion { get; init; }
    public string? BrokerShare { get; init; }
    public string? BrokerDevices { get; init; }
    public string? BrokerClientId { get; init; }
    public string? BrokerCa { get; init; }
    public string? Model { get; init; }
    public string? Otlp { get; init; }
    public bool? Lab { get; init; }
    public int? ReconnectsPerSecond { get; init; }
    public int? ReleaseThreshold { get; init; }
    public double? KeepVerbatim { get; init; }
    public double? RetentionDays { get; init; }
    public IReadOnlyList<RetentionRule>? Retention { get; init; }

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
    };

    /// <exception cref="OptionsException">When the file is missing, is not JSON or has a key that is not an option.</exception>
    public static ConfigFile Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<ConfigFile>(File.ReadAllText(path), s_json)
                ?? throw new OptionsException("config", $"'null' in '{path}'", "a JSON object");
        }
        catch (JsonException fault)
        {
            throw new OptionsException("config", $"'{path}', line {fault.LineNumber + 1}: {Reason(fault)}", "a JSON object with the options of `telemetry up` in camelCase as keys");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("config", $"'{path}' ({fault.Message.TrimEnd('.')})", "a readable JSON file");
        }
    }

    /// <summary>The options this file stands for, with defaults where it is silent.</summary>
    public CollectorOptions ToOptions()
    {
        if (Influx is null && OptionsOfInflux.FirstOrDefault(option => option.Value is not (null or false)) is { Key: { } key } option)
            throw new OptionsException(key, $"'{option.Value}' without influx", "the address of an InfluxDB in influx");
        CollectorOptions defaults = new() { DataFolder = Data ?? "telemetry-data" };
        return defaults with
        {
            Mqtt = Mqtt is null ? defaults.Mqtt : HostPort.Parse("mqtt", Mqtt),
            Mqtts = Mqtts is null ? null : HostPort.Parse("mqtts", Mqtts),
            Grpc = Grpc is null ? defaults.Grpc : HostPort.Parse("grpc", Grpc),
            Grpcs = Grpcs is null ? null : HostPort.Parse("grpcs", Grpcs),
            Http = Http is null ? defaults.Http : HostPort.Parse("http", Http),
            Certificate = Certificate,
            Model = Model,
            Otlp = ParseUri("otlp", Otlp),
            Lab = Lab ?? false,
            ReconnectsPerSecond = ReconnectsPerSecond ?? defaults.ReconnectsPerSecond,
            ReleaseThreshold = ReleaseThreshold ?? defaults.ReleaseThreshold,
            KeepVerbatim = KeepVerbatim is { } days ? TimeSpan.FromDays(Math.Clamp(days, -1, 100_000)) : defaults.KeepVerbatim,
            Retention = [.. (Retention ?? []).Select(rule => rule ?? throw new OptionsException("retention", "null", "rules such as {\"brand\": \"acme\", \"days\": 30}")), .. RetentionDays is { } all ? [new RetentionRule { Days = all }] : (RetentionRule[])[]],
            Broker = ParseUri("broker", Broker) is { } broker
                ? new BrokerTarget
                {
                    Url = broker,
                    PasswordFile = BrokerPasswordFile,
                    Version = BrokerVersion ?? "5",
                    Share = BrokerShare,
                    Devices = BrokerDevices?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                    ClientId = BrokerClientId,
                    AuthorityFile = BrokerCa,
                }
                : null,
            Influx = ParseUri("influx", Influx) is { } url
                ? new InfluxTarget
                {
                    Url = url,
                    Bucket = InfluxBucket ?? "telemetry",
                    Organization = InfluxOrg ?? "telemetry",
                    TokenFile = InfluxTokenFile,
                    Api = InfluxApi,
                    Schema = InfluxSchema,
                    DeviceKeyFile = InfluxDeviceKeyFile,
                    Gzip = InfluxGzip,
                    Quality = InfluxQuality ?? false,
                    SettleSeconds = InfluxSettleSeconds,
                    Segments = InfluxSegments ?? false,
                    Releases = InfluxReleases ?? false,
                }
                : null,
        };
    }

    private (string Key, object? Value)[] OptionsOfInflux =>
    [
        ("influxBucket", InfluxBucket), ("influxOrg", InfluxOrg), ("influxTokenFile", InfluxTokenFile), ("influxApi", InfluxApi), ("influxSchema", InfluxSchema),
        ("influxDeviceKeyFile", InfluxDeviceKeyFile), ("influxGzip", InfluxGzip), ("influxQuality", InfluxQuality), ("influxSettleSeconds", InfluxSettleSeconds),
        ("influxSegments", InfluxSegments), ("influxReleases", InfluxReleases),
    ];

    // The parser's own words tell of a slip in the JSON; of a key or a value they tell .NET's types, which say nothing to an operator.
    private static string Reason(JsonException fault)
    {
        if (fault.InnerException is JsonException) return fault.Message.Split(" Path:")[0].Split(" LineNumber:")[0].TrimEnd('.');
        string[] keys = (fault.Path ?? "$").Split('.', '[');
        return keys.Length == 1 ? "it is no object"
            : s_json.GetTypeInfo(typeof(ConfigFile)).Properties.Any(property => property.Name == keys[1]) ? $"the value of '{keys[1]}' is of another kind than the option's"
            : $"no option has the key '{keys[1]}'";
    }

    private static Uri? ParseUri(string key, string? text) =>
        text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) ? uri
        : throw new OptionsException(key, $"'{text}'", key == "broker" ? "an address such as mqtt://127.0.0.1:1884" : "an absolute address such as http://127.0.0.1:8086");
}
