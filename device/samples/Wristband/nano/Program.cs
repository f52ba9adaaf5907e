using System.Threading;
using Telemetry.Device;
using Telemetry.Device.Platform;

namespace Wristband
{
    /// <summary>Wristband on the chip. The board joins its network before (nanoFramework's WifiNetworkHelper, or as the board's guide says).</summary>
    public static class Program
    {
        // 32 sectors of 4 KiB in the board's file system: three channels of 1 Hz for two days.
        private const string SpoolFile = "I:\\spool.bin";
        private const int SpoolSectors = 32;

        public static void Main()
        {
            TelemetryClient client = new TelemetryClient(new TelemetryOptions
            {
                Host = "192.168.1.10",
                Brand = "acme",
                Device = "dev-1",
                Secret = "the secret the registry gave",
                Profile = Signals.CreateProfile(),
                Clock = new NanoClock(),
                Flash = new NanoFileFlash(SpoolFile, SpoolSectors),
                Transport = new NanoSocketTransport(),
                Health = new NanoHealth(),
                BootReason = BootReason.PowerOn, // the board's own reason, where its library tells
                DisconnectWhenIdle = true,
            });
            client.Start();
            WristbandFirmware firmware = new WristbandFirmware(client);
            while (true)
            {
                firmware.Tick();
                Thread.Sleep(1000);
            }
        }
    }
}
