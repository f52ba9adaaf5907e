using System.Buffers.Binary;
using System.Globalization;
using Telemetry.Insights.Store;
using Telemetry.Wire.Batches;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// Batches whose device did not know the time when it sealed them, by their place in the log. They wait for a clock pair of the same boot; the list is
/// kept in the insights store and changes in the same transaction as everything derived.
/// </summary>
internal sealed class WaitingBatches
{
    private const string Prefix = "wait/";
    private readonly SortedDictionary<long, (DeviceBoot Boot, long ReceivedUnixMs)> _byPosition = [];
    private readonly Dictionary<DeviceBoot, List<long>> _byBoot = [];

    public WaitingBatches(InsightsTransaction store)
    {
        foreach ((string name, byte[] value) in store.States(Prefix))
        {
            string[] parts = name.Split('/');
            DeviceBoot boot = new(Hex(parts[1]), Hex(parts[2]), Hex(parts[3]));
            Keep(boot, long.Parse(parts[4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), BinaryPrimitives.ReadInt64LittleEndian(value));
        }
    }

    /// <summary>Batches that wait.</summary>
    public int Count => _byPosition.Count;

    /// <summary>Lets a batch wait.</summary>
    public void Add(DeviceBoot boot, long position, long receivedUnixMs, InsightsTransaction store)
    {
        Keep(boot, position, receivedUnixMs);
        byte[] value = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, receivedUnixMs);
        store.PutState(NameOf(boot, position), value);
    }

    /// <summary>Takes out the batches of a boot whose clock is known now, in the order of the log.</summary>
    public IReadOnlyList<long> Take(DeviceBoot boot, InsightsTransaction store)
    {
        if (!_byBoot.Remove(boot, out List<long>? positions)) return [];
        foreach (long position in positions)
        {
            _byPosition.Remove(position);
            store.RemoveState(NameOf(boot, position));
        }

        return positions;
    }

    /// <summary>Takes out the oldest batch when it was received before <paramref name="unixMs"/>, or when more than <paramref name="most"/> wait.</summary>
    public bool TryTakeOldest(long unixMs, int most, InsightsTransaction store, out long position, out long receivedUnixMs)
    {
        (position, receivedUnixMs) = (0, 0);
        if (_byPosition.Count == 0) return false;
        (position, (DeviceBoot boot, receivedUnixMs)) = _byPosition.First();
        if (receivedUnixMs >= unixMs && _byPosition.Count <= most) return false;
        _byPosition.Remove(position);
        List<long> positions = _byBoot[boot];
        positions.Remove(position);
        if (positions.Count == 0) _byBoot.Remove(boot);
        store.RemoveState(NameOf(boot, position));
        return true;
    }

    private void Keep(DeviceBoot boot, long position, long receivedUnixMs)
    {
        _byPosition[position] = (boot, receivedUnixMs);
        if (!_byBoot.TryGetValue(boot, out List<long>? positions)) _byBoot[boot] = positions = [];
        positions.Add(position);
    }

    private static string NameOf(DeviceBoot boot, long position) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{boot.DeviceKey:x8}/{boot.Epoch:x8}/{boot.Boot:x8}/{position:x16}");

    private static uint Hex(string text) => uint.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
