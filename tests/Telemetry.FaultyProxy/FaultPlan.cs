using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Telemetry.FaultyProxy;

/// <summary>Which fault meets which request.</summary>
/// <remarks>Any thread may ask.</remarks>
internal sealed class FaultPlan
{
    private static readonly Fault[] s_faults = [.. Enum.GetValues<Fault>().Where(fault => fault != Fault.None)];

    private readonly Lock _gate = new();
    private readonly Queue<Fault> _next = new();
    private readonly Random _random;
    private readonly bool _isDealt;

    private FaultPlan(int seed, bool isDealt, params ReadOnlySpan<Fault> writes)
    {
        (_random, _isDealt) = (new Random(seed), isDealt);
        foreach (Fault fault in writes) _next.Enqueue(fault);
    }

    /// <summary>Reads <c>none</c>; <c>seed:NUMBER</c>: each hand of 22 requests holds every fault once, in an order of the seed, and eleven that pass; or <c>FAULT:NUMBER</c>: one
    /// fault, for the n-th write (POST), and everything else passes.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out FaultPlan? plan)
    {
        string[] parts = text.Split(':');
        plan = null;
        if (text == "none") plan = new FaultPlan(0, isDealt: false);
        else if (parts.Length != 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return false;
        else if (parts[0] == "seed") plan = new FaultPlan(number, isDealt: true);
        else if (number is >= 1 and <= 1_000_000 && Enum.TryParse(parts[0], out Fault fault)) plan = new FaultPlan(0, isDealt: false, [.. Enumerable.Repeat(Fault.None, number - 1), fault]);
        return plan is not null;
    }

    /// <summary>What meets the next request.</summary>
    public Fault Next(bool isWrite)
    {
        lock (_gate)
        {
            if (!_isDealt) return isWrite && _next.TryDequeue(out Fault planned) ? planned : Fault.None;
            if (_next.Count == 0)
            {
                Fault[] hand = [.. s_faults, .. new Fault[s_faults.Length]];
                _random.Shuffle(hand);
                foreach (Fault fault in hand) _next.Enqueue(fault);
            }

            return _next.Dequeue();
        }
    }

    /// <summary>Where to cut so many bytes: one is there, and one is missing.</summary>
    public int Cut(int bytes)
    {
        lock (_gate) return _random.Next(1, bytes);
    }
}
