namespace Telemetry.Registry;

/// <summary>Device records by key, in chunks: keys are dense, so this is an array that grows without moving what readers look at.</summary>
/// <remarks>One writer at a time; readers take no lock and see each record whole. 8 bytes a device beside the record.</remarks>
internal sealed class DeviceTable
{
    private const int ChunkBits = 12; // 4096 devices: 32 KiB a chunk
    private DeviceRecord?[][] _chunks = [];

    public DeviceRecord? Find(uint deviceKey)
    {
        DeviceRecord?[][] chunks = Volatile.Read(ref _chunks);
        uint chunk = deviceKey >> ChunkBits;
        return chunk < (uint)chunks.Length ? Volatile.Read(ref chunks[chunk][deviceKey & ((1 << ChunkBits) - 1)]) : null;
    }

    public void Set(DeviceRecord device)
    {
        int chunk = (int)(device.DeviceKey >> ChunkBits);
        if (chunk >= _chunks.Length)
        {
            DeviceRecord?[][] longer = new DeviceRecord?[chunk + 1][];
            _chunks.CopyTo(longer, 0);
            for (int i = _chunks.Length; i < longer.Length; i++) longer[i] = new DeviceRecord?[1 << ChunkBits];
            Volatile.Write(ref _chunks, longer);
        }

        Volatile.Write(ref _chunks[chunk][device.DeviceKey & ((1 << ChunkBits) - 1)], device);
    }
}

/// <summary>A brand with what is looked up in it.</summary>
internal sealed class BrandEntry(BrandRecord record)
{
    /// <summary>Names of the brand.</summary>
    public BrandRecord Record { get; set; } = record;

    /// <summary>Devices by id; replaced record by record.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, DeviceRecord> Devices { get; } = new(StringComparer.Ordinal);

    /// <summary>Models by profile hash.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<uint, ModelRecord> Models { get; } = new();
}
