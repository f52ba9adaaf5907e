using System.Globalization;
using Telemetry.Device;
using Telemetry.Device.Platform;

namespace Samples;

/// <summary>What the three samples share on .NET: arguments, options, one tick a second, a last word.</summary>
internal static class SampleRun
{
    /// <summary>Takes the measurements of one second.</summary>
    public delegate void Tick(TelemetryClient client, int second);

    /// <summary>Runs a sample: <c>HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]</c>.</summary>
    /// <returns>0 when everything recorded was acknowledged, 1 when not, 2 for bad arguments.</returns>
    public static async Task<int> RunAsync(string[] args, Profile profile, Tick tick)
    {
        bool usesTls = args.Contains("--tls");
        string[] words = [.. args.Where(arg => arg != "--tls")];
        if (words.Length < 5 || !int.TryParse(words[1], CultureInfo.InvariantCulture, out int port))
        {
            Console.Error.WriteLine("usage: HOST PORT BRAND DEVICE SECRET [SECONDS] [--tls]");
            return 2;
        }

        int seconds = words.Length > 5 && int.TryParse(words[5], CultureInfo.InvariantCulture, out int asked) ? asked : 10;
        using FileFlash flash = new(Path.Combine(Path.GetTempPath(), $"{words[2]}-{words[3]}.spool"), sectorCount: 128);
        ITransport transport = usesTls ? new TlsTransport() : new SocketTransport();
        TelemetryClient client = new(new TelemetryOptions
        {
            Host = words[0],
            Port = port,
            Brand = words[2],
            Device = words[3],
            Secret = words[4],
            Profile = profile,
            Clock = new SystemClock(trustsWall: true),
            Flash = flash,
            Transport = transport,
            Health = new SystemHealth(),
            BootReason = BootReason.PowerOn,
            EventSectors = 16,
        });
        client.Start();
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(1), TimeProvider.System);
        for (int second = 0; second < seconds && await timer.WaitForNextTickAsync(); second++) tick(client, second);

        client.UploadNow();
        for (int waited = 0; waited < 10 && !client.IsDrained; waited++) await timer.WaitForNextTickAsync(); // a device would simply go on
        TelemetryCounters counters = client.ReadCounters();
        client.Stop();
        Console.WriteLine($"recorded {counters.Recorded}, acked {counters.Acked}, spooled {counters.Spooled}, dropped {counters.DroppedTotal}");
        return counters.Spooled == 0 ? 0 : 1;
    }
}
