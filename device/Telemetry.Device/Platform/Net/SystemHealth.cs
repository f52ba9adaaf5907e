namespace Telemetry.Device.Platform
{
    /// <summary>Memory as the runtime sees it; a computer's battery is asked for where Linux shows one.</summary>
    public sealed class SystemHealth : IHealth
    {
        private readonly string? _capacityFile;

        /// <summary>Looks for a battery once.</summary>
        public SystemHealth()
            : this("/sys/class/power_supply")
        {
        }

        internal SystemHealth(string suppliesFolder)
        {
            if (!System.IO.Directory.Exists(suppliesFolder)) return;
            foreach (string supply in System.IO.Directory.GetDirectories(suppliesFolder))
            {
                string file = System.IO.Path.Combine(supply, "capacity");
                if (System.IO.File.Exists(file)) _capacityFile = file;
            }
        }

        /// <inheritdoc/>
        public int BatteryPercent
        {
            get
            {
                if (_capacityFile == null) return -1;
                try
                {
                    return int.TryParse(System.IO.File.ReadAllText(_capacityFile), out int percent) && percent >= 0 && percent <= 100 ? percent : -1;
                }
                catch (System.IO.IOException)
                {
                    return -1; // the battery was taken out
                }
            }
        }

        /// <inheritdoc/>
        public long FreeMemoryBytes
        {
            get
            {
                System.GCMemoryInfo memory = System.GC.GetGCMemoryInfo();
                long free = memory.TotalAvailableMemoryBytes - System.GC.GetTotalMemory(false);
                return free < 0 ? 0 : free;
            }
        }
    }
}
