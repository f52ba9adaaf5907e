// A wristband: heart rate and steps every second, a button. Wristband HOST PORT BRAND DEVICE SECRET [SECONDS]
using Telemetry.Device;
using Telemetry.Device.Platform;

if (args.Length < 5)
{
    Console.Error.WriteLine("usage: Wristband HOST PORT BRAND DEVICE SECRET [SECONDS]");
    return 2;
}

// The table of profile.json; the hash is what 'telemetry profile check' prints.
Profile profile = new(0x5ED1B3C9, [Signals.HeartRate, Signals.Steps, Signals.Button], [(byte)SignalKind.Gauge, (byte)SignalKind.Counter, (byte)SignalKind.Event], [1000, 1000, 0]);
using FileFlash flash = new(Path.Combine(Path.GetTempPath(), $"{args[2]}-{args[3]}.spool"), sectorCount: 256);
using SocketTransport transport = new();
TelemetryClient client = new(new TelemetryOptions
{
    Host = args[0],
    Port = int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture),
    Brand = args[2],
    Device = args[3],
    Secret = args[4],
    Profile = profile,
    Clock = new SystemClock(trustsWall: true),
    Flash = flash,
    Transport = transport,
    EventSectors = 16,
});
client.Start();

int seconds = args.Length > 5 ? int.Parse(args[5], System.Globalization.CultureInfo.InvariantCulture) : 10;
using PeriodicTimer second = new(TimeSpan.FromSeconds(1), TimeProvider.System);
for (int i = 0; i < seconds && await second.WaitForNextTickAsync(); i++)
{
    client.Record(Signals.HeartRate, 64 + (i % 9));
    client.Record(Signals.Steps, i % 3);
    if (i == 3) client.Record(Signals.Button, 1);
}

client.UploadNow();
for (int i = 0; i < 10 && !client.IsDrained && await second.WaitForNextTickAsync(); i++)
{
    // The pump is sending; a device would simply go on.
}

TelemetryCounters counters = client.ReadCounters();
client.Stop();
Console.WriteLine($"recorded {counters.Recorded}, acked {counters.Acked}, spooled {counters.Spooled}, dropped {counters.DroppedTotal}");
return counters.Spooled == 0 ? 0 : 1;

/// <summary>Signal ids of the profile.</summary>
internal static class Signals
{
    public const int HeartRate = 1;
    public const int Steps = 2;
    public const int Button = 3;
}
