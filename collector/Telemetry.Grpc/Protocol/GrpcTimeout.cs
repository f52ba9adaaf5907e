namespace Telemetry.Grpc.Protocol;

/// <summary>The <c>grpc-timeout</c> header: 1-8 digits and a unit, H M S m u n (gRPC over HTTP/2, "Requests").</summary>
internal static class GrpcTimeout
{
    /// <summary>What a timer can hold; a longer timeout (24 days) is no deadline at all.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>Reads a timeout. Below 100 ns it is zero: the deadline has passed.</summary>
    /// <returns>False when the text breaks the rule; <paramref name="timeout"/> is then zero.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9) return false;
        long amount = 0;
        foreach (char digit in text[..^1])
        {
            if (!char.IsAsciiDigit(digit)) return false;
            amount = (amount * 10) + (digit - '0');
        }

        switch (text[^1])
        {
            // 99,999,999 hours are 3.6e18 ticks: they still fit 63 bits.
            case 'H': timeout = new TimeSpan(amount * TimeSpan.TicksPerHour); return true;
            case 'M': timeout = new TimeSpan(amount * TimeSpan.TicksPerMinute); return true;
            case 'S': timeout = new TimeSpan(amount * TimeSpan.TicksPerSecond); return true;
            case 'm': timeout = new TimeSpan(amount * TimeSpan.TicksPerMillisecond); return true;
            case 'u': timeout = new TimeSpan(amount * TimeSpan.TicksPerMicrosecond); return true;
            case 'n': timeout = new TimeSpan(amount / TimeSpan.NanosecondsPerTick); return true;
            default: return false;
        }
    }
}
