using System.Runtime.CompilerServices;

namespace Telemetry.Ingest.Sequences;

/// <summary>
/// Entries by (device, epoch): 48 bytes each in chunks, found through an open-addressed index of 4-byte slots filled to three
/// quarters at most, so 54 to 59 bytes an epoch. Not thread-safe: its shard's lock guards it.
/// </summary>
internal sealed class SeqTable
{
    /// <summary>Epochs remembered of one device. A device draws a new one on factory reset and on erasure; more than this is no device.</summary>
    public const int MaxEpochsPerDevice = 64;

    private const int ChunkEntries = 64; // 3 KiB: a small fleet pays for itself alone
    private readonly List<SeqEntry[]> _chunks = [];
    private uint[] _slots = new uint[64];

    /// <summary>Entries.</summary>
    public int Count { get; private set; }

    /// <summary>Devices that have one or more.</summary>
    public int DeviceCount { get; private set; }

    /// <summary>Bytes held by entries and index.</summary>
    public long MemoryBytes => ((long)_chunks.Count * ChunkEntries * Unsafe.SizeOf<SeqEntry>()) + ((long)_slots.Length * sizeof(uint));

    public ref SeqEntry this[int index] => ref _chunks[index / ChunkEntries][index % ChunkEntries];

    /// <summary>The entry's index, or -1.</summary>
    /// <param name="deviceKey">The device.</param>
    /// <param name="epoch">Its epoch.</param>
    /// <param name="epochsSeen">Other epochs of the device met on the way; all of them when the answer is -1.</param>
    public int Find(uint deviceKey, uint epoch, out int epochsSeen)
    {
        epochsSeen = 0;
        uint mask = (uint)_slots.Length - 1;
        for (uint slot = HashOf(deviceKey) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int index = (int)_slots[slot] - 1;
            ref SeqEntry entry = ref this[index];
            if (entry.DeviceKey != deviceKey) continue;
            if (entry.Epoch == epoch) return index;
            epochsSeen++;
        }

        return -1;
    }

    /// <summary>Adds an entry that <see cref="Find"/> did not find.</summary>
    public int Add(uint deviceKey, uint epoch)
    {
        Find(deviceKey, epoch, out int otherEpochs);
        if (otherEpochs == 0) DeviceCount++;
        if ((Count + 1) * 4L > _slots.Length * 3L) GrowIndex();
        if (Count == _chunks.Count * ChunkEntries) _chunks.Add(new SeqEntry[ChunkEntries]);
        int index = Count++;
        this[index] = new SeqEntry { DeviceKey = deviceKey, Epoch = epoch };
        Place(index, deviceKey);
        return index;
    }

    /// <summary>Indexes of a device's entries, oldest first.</summary>
    public void ListEpochs(uint deviceKey, List<int> indexes)
    {
        uint mask = (uint)_slots.Length - 1;
        for (uint slot = HashOf(deviceKey) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int index = (int)_slots[slot] - 1;
            if (this[index].DeviceKey == deviceKey) indexes.Add(index);
        }

        indexes.Sort();
    }

    private void GrowIndex()
    {
        _slots = new uint[_slots.Length * 2];
        for (int index = 0; index < Count; index++) Place(index, this[index].DeviceKey);
    }

    private void Place(int index, uint deviceKey)
    {
        uint mask = (uint)_slots.Length - 1;
        uint slot = HashOf(deviceKey) & mask;
        while (_slots[slot] != 0) slot = (slot + 1) & mask;
        _slots[slot] = (uint)index + 1;
    }

    // By device alone: the epochs of a device lie in one probe run and can be counted there.
    private static uint HashOf(uint deviceKey)
    {
        uint hash = deviceKey * 0x9E3779B1;
        return hash ^ (hash >> 15);
    }
}
