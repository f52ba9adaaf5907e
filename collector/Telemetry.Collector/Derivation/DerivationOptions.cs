namespace Telemetry.Collector.Derivation;

/// <summary>Settings of the derivation.</summary>
public sealed class DerivationOptions
{
    /// <summary>Records read in one step at most; 1 to 65,536, default 16,384. Everything of a step is one transaction.</summary>
    public int StepRecords { get; set; } = 16_384;

    /// <summary>Users whose segments are said in one step at most; 1 to 65,536, default 1,024 (a user's day takes about 10 ms).</summary>
    public int StepUsers { get; set; } = 1024;

    /// <summary>Days whose segments are said in one step at most, so that naming everything again after a change of model goes in many steps; 1 to 65,536, default 2,048.</summary>
    public int StepDays { get; set; } = 2048;

    /// <summary>Segments of a user are said once so many bytes of log came without a batch of the user; 0 to 1 GiB, default 1 MiB. At once when the log has nothing more.</summary>
    public int QuietBytes { get; set; } = 1024 * 1024;

    /// <summary>Longest time from a change to its segments while the log goes on, by the log's receive times; 0 to 1 h, default 30 s.</summary>
    public TimeSpan NamingDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Payload bytes read in one step at most; 64 KiB to 256 MiB, default 16 MiB.</summary>
    public int StepBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Users kept ready to go on; 16 to 1,000,000, default 20,000 (about 10 KB each). The rest is read again from the store.</summary>
    public int HotUsers { get; set; } = 20_000;

    /// <summary>Least pause between two steps that found work, so that a trickle is gathered; 0 to 60 s, default 1 s.</summary>
    public TimeSpan Pause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a batch without a known time waits for a clock pair of its boot before its receive time places it; default 1 h.</summary>
    public TimeSpan ClockWait { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Batches that may wait for a clock; the oldest is placed by its receive time when there are more. Default 100,000.</summary>
    public int MostWaiting { get; set; } = 100_000;

    internal void Validate()
    {
        Check(nameof(StepRecords), StepRecords, 1, 65_536);
        Check(nameof(StepUsers), StepUsers, 1, 65_536);
        Check(nameof(StepDays), StepDays, 1, 65_536);
        Check(nameof(QuietBytes), QuietBytes, 0, 1 << 30);
        Check($"{nameof(NamingDelay)} (ms)", (long)NamingDelay.TotalMilliseconds, 0, 3_600_000);
        Check(nameof(StepBytes), StepBytes, 64 * 1024, 256 * 1024 * 1024);
        Check(nameof(HotUsers), HotUsers, 16, 1_000_000);
        Check($"{nameof(Pause)} (ms)", (long)Pause.TotalMilliseconds, 0, 60_000);
        Check(nameof(MostWaiting), MostWaiting, 0, 10_000_000);
    }

    private static void Check(string name, long value, long least, long most)
    {
        if (value < least || value > most) throw new ArgumentException($"{name} is {value}; {least} to {most} is expected.", name);
    }
}
