namespace Telemetry.Wire;

/// <summary>MQTT topic names of the contract: <c>t1/{brand}/{device}/up|down|life</c> (proto/WIRE.md, "Topics").</summary>
/// <remarks>Ids carry no dot, because a broker on the way may turn a dot into a level separator.</remarks>
public static class Topics
{
    /// <summary>Version level that begins every topic.</summary>
    public const string Root = "t1";

    /// <summary>Batches, device to collector, QoS 1.</summary>
    public static string Up(string brand, string device) => $"{Root}/{brand}/{device}/up";

    /// <summary>The retained Command, collector to device, QoS 1.</summary>
    public static string Down(string brand, string device) => $"{Root}/{brand}/{device}/down";

    /// <summary>Birth and last will, device to collector.</summary>
    public static string Life(string brand, string device) => $"{Root}/{brand}/{device}/life";

    /// <summary>Brand ids: 1-32 of a-z, 0-9 and '-'.</summary>
    public static bool IsBrandId(ReadOnlySpan<char> id) =>
        id.Length is >= 1 and <= 32 && !id.ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Device ids: 1-64 of A-Z, a-z, 0-9, '_' and '-'.</summary>
    public static bool IsDeviceId(ReadOnlySpan<char> id) =>
        id.Length is >= 1 and <= 64 && !id.ContainsAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
}
