namespace Telemetry.Device
{
    /// <summary>Checks options at start, and says which one is wrong.</summary>
    internal static class OptionCheck
    {
        // Over MQTT 5 the server is told how long a packet we take. 3.1.1 has no word for it: the collector sends that much (proto/WIRE.md, "Limits").
        private const int UntoldCommandBytes = 320;

        public static void Require(TelemetryOptions options)
        {
            RequireId("Brand", options.Brand, 32, false);
            RequireId("Device", options.Device, 64, true);
            if (options.Profile == null) throw new System.ArgumentException("TelemetryOptions.Profile is missing.");
            if (options.Clock == null) throw new System.ArgumentException("TelemetryOptions.Clock is missing.");
            if (options.Flash == null) throw new System.ArgumentException("TelemetryOptions.Flash is missing; use MemoryFlash where there is no storage.");
            if ((options.Transport == null) == (options.MessagePort == null)) throw new System.ArgumentException("One of TelemetryOptions.Transport and MessagePort is expected, not both.");
            if (options.ProtocolVersion != 4 && options.ProtocolVersion != 5) throw new System.ArgumentException("TelemetryOptions.ProtocolVersion is 4 (MQTT 3.1.1) or 5.");
            RequireRange("Port", options.Port, 1, 65535);
            RequireRange("KeepAliveSeconds", options.KeepAliveSeconds, 10, 65535);
            if (options.RingSamples != 0) RequireRange("RingSamples", options.RingSamples, 8, 4096);
            if ((options.RingSamples & (options.RingSamples - 1)) != 0) throw new System.ArgumentException("TelemetryOptions.RingSamples is a power of two.");
            RequireRange("BlockRows", options.BlockRows, 1, 4096);
            if (options.BatchBytes != 0) RequireRange("BatchBytes", options.BatchBytes, 256, 32768);
            RequireRange("SealIntervalMs", options.SealIntervalMs, 1, int.MaxValue);
            RequireRange("OfflineSealIntervalMs", options.OfflineSealIntervalMs, 1, int.MaxValue);
            RequireRange("TickToleranceMs", options.TickToleranceMs, 0, 1000);
            RequireRange("Window", options.Window, 1, 16);
            RequireRange("UploadIntervalMs", options.UploadIntervalMs, 0, int.MaxValue);
            RequireRange("CommandBytes", options.CommandBytes, options.ProtocolVersion == 5 ? 64 : UntoldCommandBytes, 4096);
            RequireRange("DriftPpm", options.DriftPpm, 0, 10000);
            RequireFlash(options);
            RequireTables(options.Profile);
        }

        /// <summary>The seed, or one made of the ids and clocks.</summary>
        public static int SeedOf(TelemetryOptions options)
        {
            if (options.Seed != 0) return options.Seed;
            string name = options.Brand + "/" + options.Device;
            uint hash = 2166136261u;
            for (int i = 0; i < name.Length; i++) hash = (hash ^ name[i]) * 16777619u;
            long wall = options.Clock!.ReadWallUnixMs();
            return (int)(hash ^ (uint)wall ^ (uint)(wall >> 32) ^ (uint)options.Clock.UptimeMs);
        }

        private static void RequireFlash(TelemetryOptions options)
        {
            Platform.IFlash flash = options.Flash!;
            RequireRange("Flash.SectorCount", flash.SectorCount, 3, 1 << 20);
            RequireRange("Flash.PageBytes", flash.PageBytes, 16, 65536);
            bool isWhole = flash.SectorBytes % 8 == 0 && flash.SectorBytes % flash.PageBytes == 0;
            if (!isWhole || flash.SectorBytes < 512) throw new System.ArgumentException("TelemetryOptions.Flash.SectorBytes is a multiple of 8 and of PageBytes, at least 512.");
            bool splits = options.EventSectors == 0 || (options.EventSectors >= 3 && flash.SectorCount - options.EventSectors >= 3);
            if (!splits) throw new System.ArgumentException("TelemetryOptions.EventSectors is 0, or at least 3 and leaves 3.");
        }

        private static void RequireTables(Profile profile)
        {
            RequireTable("Minimums", profile.Minimums, profile.Count);
            RequireTable("Maximums", profile.Maximums, profile.Count);
            RequireTable("Resolutions", profile.Resolutions, profile.Count);
            RequireTable("MinIntervalsMs", profile.MinIntervalsMs, profile.Count);
            RequireTable("MaxIntervalsMs", profile.MaxIntervalsMs, profile.Count);
            RequireTable("Deadbands", profile.Deadbands, profile.Count);
            RequireTable("SdkMetrics", profile.SdkMetrics, profile.Count);
        }

        private static void RequireTable(string name, System.Array? table, int count)
        {
            if (table != null && table.Length != count)
                throw new System.ArgumentException("Profile." + name + " has " + table.Length.ToString() + " entries; one a signal, " + count.ToString() + ", is expected.");
        }

        private static void RequireRange(string name, int value, int least, int most)
        {
            if (value < least || value > most)
                throw new System.ArgumentException("TelemetryOptions." + name + " is " + value.ToString() + "; " + least.ToString() + " to " + most.ToString() + " is expected.");
        }

        private static void RequireId(string name, string id, int most, bool isDevice)
        {
            bool isGood = id.Length >= 1 && id.Length <= most;
            for (int i = 0; i < id.Length; i++)
            {
                char c = id[i];
                bool isCommon = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                if (!isCommon && !(isDevice && ((c >= 'A' && c <= 'Z') || c == '_'))) isGood = false;
            }

            if (!isGood) throw new System.ArgumentException("TelemetryOptions." + name + " is not an id: 1-32 of a-z 0-9 - (brand), 1-64 of A-Z a-z 0-9 _ - (device).");
        }
    }
}
