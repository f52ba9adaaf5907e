using System.Globalization;
using Telemetry.Simulator.Replay;

namespace Telemetry.Cli.Fleets;

/// <summary>One line on standard error that tells how far a run is: rewritten in place on a terminal, now and then a new one otherwise.</summary>
internal sealed class FleetProgress(string source, bool isQuiet) : IDisposable
{
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    private readonly bool _isTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private long _lastLine = TimeProvider.System.GetTimestamp();
    private int _width;

    /// <summary>The share done, 0..1, where the source's length is known.</summary>
    public double? Share { get; set; }

    /// <summary>Shows where the replay is.</summary>
    public void Show(ReplayProgress now)
    {
        if (isQuiet) return;
        string time = now.NowUnixMs == 0 ? "" : DateTimeOffset.FromUnixTimeMilliseconds(now.NowUnixMs).UtcDateTime.ToString("ddd yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + "  ";
        string share = Share is double done ? $"{Bar(done)} {done,4:P0}  " : "";
        Write($"{share}{time}{now.Recorded:N0} recorded  {now.Acked:N0} acked  {now.Batches:N0} batches  {now.ActiveDevices} devices alive, {now.DoneDevices} done", isDue: false);
    }

    /// <summary>Says what happens after the last sample.</summary>
    public void Phase(string text)
    {
        if (!isQuiet) Write($"{source}: {text}", isDue: true);
    }

    public void Dispose()
    {
        if (!isQuiet && _isTerminal && _width > 0) Console.Error.Write("\r" + new string(' ', _width) + "\r");
    }

    private void Write(string text, bool isDue)
    {
        if (_isTerminal)
        {
            int most = Math.Max(20, Console.WindowWidth - 1);
            if (text.Length > most) text = text[..most];
            Console.Error.Write("\r" + text.PadRight(_width));
            _width = text.Length;
            return;
        }

        if (!isDue && TimeProvider.System.GetElapsedTime(_lastLine) < s_plainInterval) return;
        _lastLine = TimeProvider.System.GetTimestamp();
        Console.Error.WriteLine(text);
    }

    private static string Bar(double share)
    {
        const int Width = 24;
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * Width);
        return new string('█', full) + new string('░', Width - full);
    }
}
