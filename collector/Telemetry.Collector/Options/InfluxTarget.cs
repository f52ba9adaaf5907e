using System.Globalization;
using System.Text;
using Telemetry.Influx;
using Telemetry.Wire;

namespace Telemetry.Collector.Options;

/// <summary>An InfluxDB-compatible server.</summary>
public sealed record InfluxTarget
{
    // Whoever reads the bucket may try device ids, which are few and guessable: the secret must not be.
    private const int LeastDeviceKeyCharacters = 16;

    /// <summary>Base address, e.g. <c>http://127.0.0.1:8086</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>Bucket (v2) or database (v1). Default <c>telemetry</c>.</summary>
    public string Bucket { get; init; } = "telemetry";

    /// <summary>Organisation (v2). Default <c>telemetry</c>.</summary>
    public string Organization { get; init; } = "telemetry";

    /// <summary>File with the token (v2) or "user:password" (v1); its content never reaches a log.</summary>
    public string? TokenFile { get; init; }

    /// <summary>"v1" (<c>/write</c>), "v2" (<c>/api/v2/write</c>) or "v3" (<c>/api/v3/write_lp</c>). Default v2 when a token file is given, else v1.</summary>
    public string? Api { get; init; }

    /// <summary>"signal" (a measurement a signal key; series = devices x signals) or "model" (a measurement a model with a field a signal; series = devices). Default signal.</summary>
    public string? Schema { get; init; }

    /// <summary>File with a secret of the operator: the devices of samples and segments are then named by a keyed hash of it. Default: by their ids.</summary>
    public string? DeviceKeyFile { get; init; }

    /// <summary>Whether requests are compressed; <c>influxGzip</c> in the file of <c>--config</c>. Default: unless the server is on this machine.</summary>
    public bool? Gzip { get; init; }

    /// <summary>Whether samples carry the field <c>quality</c>; <c>influxQuality</c> in the file of <c>--config</c>. Default off.</summary>
    public bool Quality { get; init; }

    /// <summary>How long a server that answers before it has flushed must have run on until what it took counts as kept; <c>influxSettleSeconds</c> in the file of <c>--config</c>. Default the sink's.</summary>
    public double? SettleSeconds { get; init; }

    /// <summary>Whether scenario segments are written there too. They carry user keys, so whoever reads the bucket reads of persons. Default off.</summary>
    public bool Segments { get; init; }

    /// <summary>Whether releases are written there too, as they are given out: aggregates that passed the privacy gate, also those made for a brand. Default off.</summary>
    public bool Releases { get; init; }

    /// <summary>Name of the sink's cursor in the log.</summary>
    internal string CursorName => "influx";

    /// <summary>The sink's settings; what is not said here keeps the sink's default.</summary>
    internal InfluxOptions ToSinkOptions(string refusedFolder)
    {
        InfluxOptions options = new()
        {
            Url = Url,
            Bucket = Bucket,
            Organization = Organization,
            TokenFile = TokenFile ?? "",
            Api = Api switch { "v1" => InfluxApi.V1, "v2" => InfluxApi.V2, "v3" => InfluxApi.V3, _ => InfluxApi.Auto },
            Schema = Schema == "model" ? InfluxSchema.MeasurementPerModel : InfluxSchema.MeasurementPerSignal,
            DeviceHashKey = ReadDeviceKey(),
            Gzip = Gzip,
            WriteQuality = Quality,
            RefusedFolder = refusedFolder,
            CursorName = CursorName,
            JitterSeed = (int)Crc32C.Compute(Encoding.UTF8.GetBytes($"{Environment.MachineName}:{Path.GetFullPath(refusedFolder)}")), // collectors that lost one server do not come back in step
        };
        if (SettleSeconds is { } settle) options.SettleTime = TimeSpan.FromSeconds(settle);
        return options;
    }

    internal void Check()
    {
        if (!Url.IsAbsoluteUri || Url.Scheme is not ("http" or "https")) throw new OptionsException("influx", Url.ToString(), "an absolute http:// or https:// address");
        if (Url.Query.Length + Url.Fragment.Length > 0) throw new OptionsException("influx", $"'{Url.Query}{Url.Fragment}' behind the address", "an address such as http://127.0.0.1:8086; the database goes into influxBucket");
        if (Bucket.Length == 0) throw new OptionsException("influxBucket", "nothing", "the name of a bucket or database");
        _ = ReadSecret("influxTokenFile", TokenFile, 1, "a file holding the token");
        _ = ReadDeviceKey();
        if (Api is not (null or "v1" or "v2" or "v3")) throw new OptionsException("influxApi", Api, "v1, v2 or v3");
        if (Schema is not (null or "signal" or "model")) throw new OptionsException("influxSchema", $"'{Schema}'", "signal or model");
        if (SettleSeconds is < 0 or > 600 or double.NaN) throw new OptionsException("influxSettleSeconds", SettleSeconds.Value.ToString(CultureInfo.InvariantCulture), "0 to 600");
    }

    private string ReadDeviceKey() => ReadSecret(
        "influxDeviceKeyFile", DeviceKeyFile, LeastDeviceKeyCharacters, $"a file with a secret of {LeastDeviceKeyCharacters} characters or more, e.g. of `openssl rand -hex 32`");

    /// <returns>The file's text without the white space around it; empty without a file.</returns>
    private static string ReadSecret(string key, string? file, int leastCharacters, string expected)
    {
        if (file is null) return "";
        try
        {
            string secret = File.ReadAllText(file).Trim();
            string? fault = secret.Length == 0 ? "is empty" : secret.Length < leastCharacters ? $"is {secret.Length} characters long" : secret.Any(char.IsControl) ? "has more than one line" : null;
            return fault is null ? secret : throw new OptionsException(key, $"'{file}', which {fault}", expected);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException(key, $"'{file}' ({fault.Message.TrimEnd('.')})", expected);
        }
    }
}
