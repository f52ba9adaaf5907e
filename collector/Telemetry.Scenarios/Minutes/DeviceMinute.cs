using System.Numerics;

namespace Telemetry.Scenarios.Minutes;

/// <summary>One device's part of a minute: a cell for each signal that spoke, and how the samples were marked.</summary>
public sealed class DeviceMinute(uint deviceKey)
{
    private SlotStats[] _cells = new SlotStats[4];

    /// <summary>The collector's key of the device.</summary>
    public uint DeviceKey { get; } = deviceKey;

    /// <summary>Bit n is set when slot n has samples.</summary>
    public ulong Slots { get; private set; }

    /// <summary>Rows that carried a quality mask.</summary>
    public int Masked { get; private set; }

    /// <summary>Rows marked worn.</summary>
    public int Worn { get; private set; }

    /// <summary>Rows marked charging.</summary>
    public int Charging { get; private set; }

    /// <summary>Rows marked estimated.</summary>
    public int Estimated { get; private set; }

    /// <summary>True when the device says for more than half of its rows that nobody wore it, or that it was charging.</summary>
    public bool IsOffBody => Masked > 0 && (2 * Worn < Masked || 2 * Charging > Masked);

    /// <summary>True when the slot has samples.</summary>
    public bool Has(SignalSlot slot) => (Slots >> (int)slot & 1) != 0;

    /// <summary>The cell of a slot; only valid when <see cref="Has"/>.</summary>
    public ref readonly SlotStats this[SignalSlot slot] => ref _cells[IndexOf((int)slot)];

    /// <summary>The cell of a slot, made empty when it had none. The reference is good until the next call.</summary>
    public ref SlotStats Cell(SignalSlot slot)
    {
        int number = (int)slot;
        int index = IndexOf(number);
        if ((Slots >> number & 1) == 0)
        {
            int count = BitOperations.PopCount(Slots);
            if (count == _cells.Length) Array.Resize(ref _cells, count * 2);
            Array.Copy(_cells, index, _cells, index + 1, count - index);
            _cells[index] = SlotStats.Empty;
            Slots |= 1UL << number;
        }

        return ref _cells[index];
    }

    /// <summary>Counts rows and their marks.</summary>
    public void AddQuality(int masked, int worn, int charging, int estimated)
    {
        Masked += masked;
        Worn += worn;
        Charging += charging;
        Estimated += estimated;
    }

    /// <summary>Takes in what another fold of other samples of the same device and minute found.</summary>
    public void Merge(DeviceMinute other)
    {
        AddQuality(other.Masked, other.Worn, other.Charging, other.Estimated);
        for (ulong rest = other.Slots; rest != 0; rest &= rest - 1)
        {
            var slot = (SignalSlot)BitOperations.TrailingZeroCount(rest);
            Cell(slot).Merge(other[slot], SlotCatalog.Of(slot).Kind);
        }
    }

    private int IndexOf(int slot) => BitOperations.PopCount(Slots & ((1UL << slot) - 1));
}
