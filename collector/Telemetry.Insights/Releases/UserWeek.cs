using System.Runtime.InteropServices;

namespace Telemetry.Insights.Releases;

/// <summary>What one user adds in one week, group by group, until it is bounded and summed.</summary>
internal sealed class UserWeek(int cells)
{
    private const int CellBits = 15; // CellSpace.MaxCells is less than 2^15, and a week's value far less than 2^48

    private readonly long[] _values = new long[cells];
    private readonly long[] _keys = new long[cells];

    /// <summary>Which week it is.</summary>
    public int Week { get; set; } = int.MinValue;

    /// <summary>Groups with a value, each once.</summary>
    public List<int> Touched { get; } = [];

    /// <summary>Sum over all groups.</summary>
    public long Total { get; private set; }

    public long this[int cell] => _values[cell];

    public void Add(int cell, long amount)
    {
        if (_values[cell] == 0) Touched.Add(cell);
        _values[cell] += amount;
        Total += amount;
    }

    /// <summary>How many groups, the first of <see cref="Touched"/>, count the user; set by <see cref="Bound"/>.</summary>
    public int Counted { get; private set; }

    /// <summary>Cuts to the bound: only the largest groups count the user, and values shrink together until their weighted sum fits.</summary>
    /// <param name="bound">What may stay.</param>
    /// <param name="isPresence">Only being in a group counts, not how long.</param>
    public void Bound(ContributionBound bound, bool isPresence)
    {
        Counted = Math.Min(Touched.Count, bound.Cells);
        if (Counted < Touched.Count) BringLargestToFront();
        if (isPresence)
        {
            for (int i = 0; i < Touched.Count; i++) _values[Touched[i]] = i < Counted ? 1 : 0;
            return;
        }

        double weighted = 0;
        foreach (int cell in Touched) weighted += _values[cell] * 1000.0 / bound.Weights[cell];
        if (weighted <= bound.Weighted) return;
        double keep = bound.Weighted / weighted;
        foreach (int cell in Touched) _values[cell] = (long)(_values[cell] * keep); // rounded down: never above the bound
    }

    // The largest Counted groups, in no order. Ties go to the lower number, so that which they are depends on nothing but the values: one number holds both, and no two are equal.
    private void BringLargestToFront()
    {
        Span<int> touched = CollectionsMarshal.AsSpan(Touched);
        Span<long> keys = _keys.AsSpan(0, touched.Length);
        for (int i = 0; i < keys.Length; i++) keys[i] = -(_values[touched[i]] << CellBits) + touched[i];
        Select(keys, Counted);
        for (int i = 0; i < keys.Length; i++) touched[i] = (int)(keys[i] & ((1 << CellBits) - 1));
    }

    // Brings the smallest keys to the front (C. A. R. Hoare, "Find", 1961): of both sides of a cut only the one that holds the border is cut again.
    private static void Select(Span<long> keys, int count)
    {
        int low = 0, high = keys.Length - 1;
        while (low < high)
        {
            long pivot = keys[low + ((high - low) / 2)];
            int left = low, right = high;
            while (left <= right)
            {
                while (keys[left] < pivot) left++;
                while (keys[right] > pivot) right--;
                if (left > right) break;
                (keys[left], keys[right]) = (keys[right], keys[left]);
                left++;
                right--;
            }

            if (count - 1 <= right) high = right;
            else if (count - 1 >= left) low = left;
            else return;
        }
    }

    public void Clear()
    {
        foreach (int cell in Touched) _values[cell] = 0;
        Touched.Clear();
        Total = 0;
    }
}
