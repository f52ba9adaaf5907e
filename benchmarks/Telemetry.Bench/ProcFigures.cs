using System.Globalization;

namespace Telemetry.Bench;

/// <summary>What the operating system says of a process (Linux, /proc).</summary>
internal static class ProcFigures
{
    /// <summary>USER_HZ of Linux, the unit of /proc/PID/stat.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system CPU seconds so far.</summary>
    public static double CpuSeconds(int processId)
    {
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Resident bytes now.</summary>
    public static long RssBytes(int processId)
    {
        string line = File.ReadLines($"/proc/{processId}/status").First(one => one.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
