namespace Telemetry.Device.Platform
{
    /// <summary>What two threads need to share a ring without a lock. The interpreter runs one managed thread at a time, so plain access is ordered.</summary>
    internal static class Ordered
    {
        /// <summary>Reads what another thread stored.</summary>
        public static int Load(ref int location)
        {
            return location;
        }

        /// <summary>Writes for another thread to read.</summary>
        public static void Store(ref int location, int value)
        {
            location = value;
        }
    }
}
