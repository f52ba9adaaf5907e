namespace Telemetry.Cli;

/// <summary>A device as people type it: <c>brand/device</c>.</summary>
internal static class DeviceName
{
    /// <exception cref="CommandException">When it has another form.</exception>
    public static (string Brand, string Device) Parse(string text)
    {
        string[] parts = text.Split('/');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw new CommandException($"--device '{text}' has {parts.Length} part(s); brand/device is expected, e.g. acme/band-1.");
    }
}
