using Telemetry.Device;
using Telemetry.Device.Platform;

namespace Samples
{
    /// <summary>What the samples share on the chip: where the collector is, who the device is, where it keeps its spool.</summary>
    /// <remarks>The board joins its network before (nanoFramework's WifiNetworkHelper, or as the board's guide says).</remarks>
    internal static class NanoRun
    {
        // 32 sectors of 4 KiB in the board's file system: three channels of 1 Hz for two days.
        private const string SpoolFile = "I:\\spool.bin";
        private const int SpoolSectors = 32;

        /// <summary>A client that runs on a thread of its own.</summary>
        public static TelemetryClient Start(Profile profile)
        {
            TelemetryClient client = new TelemetryClient(new TelemetryOptions
            {
                Host = "192.168.1.10",
                Brand = "acme",
                Device = "dev-1",
                Secret = "the secret the registry gave",
                Profile = profile,
                Clock = new NanoClock(),
                Flash = new NanoFileFlash(SpoolFile, SpoolSectors),
                Transport = new NanoSocketTransport(),
                Health = new NanoHealth(),
                BootReason = BootReason.PowerOn, // the board's own reason, where its library tells
                DisconnectWhenIdle = true,
            });
            client.Start();
            return client;
        }
    }
}
