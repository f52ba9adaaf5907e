namespace Telemetry.Scenarios.Minutes;

/// <summary>
/// What one device said about one signal in one minute. Merging is commutative and associative and works in integers,
/// so the order and the grouping of samples leave no trace (promise 6).
/// </summary>
public struct SlotStats
{
    /// <summary>Samples merged.</summary>
    public int Count;

    /// <summary>Sum of the scaled values (gauge, counter); for a state the latest sample: offset in ms * 2^32 + value.</summary>
    public long Sum;

    /// <summary>Least scaled value.</summary>
    public int Min;

    /// <summary>Greatest scaled value.</summary>
    public int Max;

    /// <summary>An empty cell: the neutral element of <see cref="Merge"/>.</summary>
    public static SlotStats Empty => new() { Min = int.MaxValue, Max = int.MinValue, Sum = 0 };

    /// <summary>Scaled mean of a gauge.</summary>
    public readonly double Mean => (double)Sum / Count;

    /// <summary>Scaled last value of a state.</summary>
    public readonly int Last => (int)(Sum & 0xFFFF_FFFF);

    /// <summary>Offset of a state's last sample within the minute, ms.</summary>
    public readonly int LastOffsetMs => (int)(Sum >> 32);

    /// <summary>Adds one sample of a gauge or counter.</summary>
    public void Add(int scaled)
    {
        Count++;
        Sum += scaled;
        Min = Math.Min(Min, scaled);
        Max = Math.Max(Max, scaled);
    }

    /// <summary>Adds one sample of a state. At the same ms the greater value wins, whichever came first.</summary>
    /// <param name="offsetMs">Within the minute, 0..59,999.</param>
    /// <param name="value">The state; below 0 counts as 0.</param>
    public void AddState(int offsetMs, int value)
    {
        value = Math.Max(0, value);
        Count++;
        Sum = Math.Max(Sum, ((long)offsetMs << 32) | (uint)value);
        Min = Math.Min(Min, value);
        Max = Math.Max(Max, value);
    }

    /// <summary>Takes in what another fold of other samples found.</summary>
    public void Merge(in SlotStats other, SlotKind kind)
    {
        Count += other.Count;
        Sum = kind == SlotKind.State ? Math.Max(Sum, other.Sum) : Sum + other.Sum;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
    }
}
