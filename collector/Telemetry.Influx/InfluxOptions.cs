namespace Telemetry.Influx;

/// <summary>Where series go and in which portions. Checked by <see cref="Validate"/> when the sink is made.</summary>
public sealed class InfluxOptions
{
    /// <summary>Base address, e.g. <c>http://127.0.0.1:8086</c>. A user and password in it are sent as HTTP Basic.</summary>
    public Uri? Url { get; set; }

    /// <summary>v1 and v3: database; v2: bucket. Default "telemetry". A missing v1 database is created.</summary>
    public string Bucket { get; set; } = "telemetry";

    /// <summary>v2: organization; empty = the token's own.</summary>
    public string Organization { get; set; } = "";

    /// <summary>File that holds the token, or for v1 "user:password", read at start, surrounding white space dropped. Empty = no token.</summary>
    public string TokenFile { get; set; } = "";

    /// <summary>Which write path to call. Default: v2 when there is a token file, else v1.</summary>
    public InfluxApi Api { get; set; } = InfluxApi.Auto;

    /// <summary>What a line is. Default: one measurement a signal key.</summary>
    public InfluxSchema Schema { get; set; } = InfluxSchema.MeasurementPerSignal;

    /// <summary>Unit of written timestamps. Default nanoseconds: then samples of one millisecond stay apart by their place in the batch.</summary>
    public InfluxPrecision Precision { get; set; } = InfluxPrecision.Nanoseconds;

    /// <summary>Adds the integer field <c>quality</c> (bit 0 worn, 1 charging, 2 estimated) where a block carries a mask. Default off.</summary>
    public bool WriteQuality { get; set; }

    /// <summary>When not empty, the tag <c>device</c> is a keyed hash (16 hex digits) of "brand/device" instead of the id.</summary>
    public string DeviceHashKey { get; set; } = "";

    /// <summary>Lines of one request. 1 to 100,000, default 5,000.</summary>
    public int MaxLinesPerRequest { get; set; } = 5_000;

    /// <summary>Bytes of one request before compression. 64 KiB to 32 MiB, default 1 MiB.</summary>
    public int MaxRequestBytes { get; set; } = 1024 * 1024;

    /// <summary>How long a line waits for company at most. 0 to 60 s, default 1 s.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Compress requests. Default: yes, unless the server is on this machine.</summary>
    public bool? Gzip { get; set; }

    /// <summary>Time one request may take. Default 30 s.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>First pause after a failure; doubled each time, with jitter. Default 250 ms.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest pause, and the longest Retry-After that is honoured. Default 60 s.</summary>
    public TimeSpan LongestRetryDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Seed of the jitter. Default 1; give each collector its own.</summary>
    public int JitterSeed { get; set; } = 1;

    /// <summary>Folder for lines the server refused for good, with its words, and for what is remembered of an InfluxDB 1's process. Required.</summary>
    public string RefusedFolder { get; set; } = "";

    /// <summary>How long, by the receive times in the log, a batch whose device did not know the time waits for a later clock reading. Default 1 h.</summary>
    public TimeSpan ClockWait { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a server that answers before it has flushed (VictoriaMetrics) must have run on until what it took counts as kept; the cursor trails by that. 0 to 10 min,
    /// default 30 s: VictoriaMetrics gathers rows for 1 s and looks every 5 s for what has been in memory for 5 s, so 11 s at most while it is not overloaded. An InfluxDB 1 is asked as often
    /// whether it is still the same process. 0 = an answer is enough.</summary>
    public TimeSpan SettleTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Name of the durable cursor in the log. Default "influx".</summary>
    public string CursorName { get; set; } = "influx";

    internal InfluxApi UsedApi => Api != InfluxApi.Auto ? Api : TokenFile.Length > 0 ? InfluxApi.V2 : InfluxApi.V1;

    internal bool UsesGzip => Gzip ?? !Url!.IsLoopback;

    /// <summary>Names the first option that is out of its range.</summary>
    /// <exception cref="ArgumentException">With the key, the value found and the value expected.</exception>
    public void Validate()
    {
        if (Url is null || !Url.IsAbsoluteUri || Url.Scheme is not ("http" or "https"))
            throw new ArgumentException($"Influx:Url is '{Url?.OriginalString}'; an absolute http or https address is expected.");
        if (Bucket.Length == 0) throw new ArgumentException("Influx:Bucket is empty; the name of a database (v1) or bucket (v2) is expected.");
        if (RefusedFolder.Length == 0) throw new ArgumentException("Influx:RefusedFolder is empty; a folder for refused lines is expected.");
        if (TokenFile.Length > 0 && !File.Exists(TokenFile)) throw new ArgumentException($"Influx:TokenFile is '{TokenFile}'; no such file.");
        Require(nameof(MaxLinesPerRequest), MaxLinesPerRequest, 1, 100_000);
        Require(nameof(MaxRequestBytes), MaxRequestBytes, 64 * 1024, 32 * 1024 * 1024);
        Require(nameof(FlushInterval) + " (ms)", (long)FlushInterval.TotalMilliseconds, 0, 60_000);
        Require(nameof(FirstRetryDelay) + " (ms)", (long)FirstRetryDelay.TotalMilliseconds, 1, (long)LongestRetryDelay.TotalMilliseconds);
        Require(nameof(SettleTime) + " (ms)", (long)SettleTime.TotalMilliseconds, 0, 600_000);
        Require(nameof(RequestTimeout) + " (ms)", (long)RequestTimeout.TotalMilliseconds, 100, 600_000);
    }

    private static void Require(string key, long value, long least, long most)
    {
        if (value < least || value > most) throw new ArgumentException($"Influx:{key} is {value}; {least} to {most} is expected.");
    }
}

/// <summary>Which write path of a server to call.</summary>
public enum InfluxApi
{
    /// <summary>v2 when there is a token file, else v1.</summary>
    Auto = 0,

    /// <summary><c>/write?db=</c>: InfluxDB 1, VictoriaMetrics.</summary>
    V1 = 1,

    /// <summary><c>/api/v2/write?bucket=</c>: InfluxDB 2 and 3, 1.8, VictoriaMetrics.</summary>
    V2 = 2,

    /// <summary><c>/api/v3/write_lp?db=</c>: InfluxDB 3. It makes the database with the first line, and has no way to delete points.</summary>
    V3 = 3,
}

/// <summary>What a line is. Series per device: one a signal, or one.</summary>
public enum InfluxSchema
{
    /// <summary>Measurement = signal key; tags brand, model, device; field <c>value</c>. Series = devices x signals.</summary>
    MeasurementPerSignal = 0,

    /// <summary>Measurement = model; tags brand, device; one field a signal, one line a row. Series = devices.</summary>
    MeasurementPerModel = 1,
}

/// <summary>Unit of written timestamps.</summary>
public enum InfluxPrecision
{
    Nanoseconds = 0,
    Milliseconds = 1,
}
