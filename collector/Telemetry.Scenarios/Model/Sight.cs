using Telemetry.Scenarios.Features;

namespace Telemetry.Scenarios.Model;

/// <summary>
/// Which scenarios a minute's features can see (<see cref="ScenarioShape.SeenBy"/>). A weak sensor must not carry a scenario on: what a shoe said of three minutes is not kept up for an
/// hour by a bedroom in which nothing moves.
/// </summary>
/// <remarks>Immutable. Reads vectors in the order of <see cref="FeatureCatalog.Names"/>.</remarks>
internal sealed class Sight
{
    // An hour, or where somebody was last, says nothing of now.
    private const ulong NeverSees = 1UL << (int)Feature.HourOfDay | 1UL << (int)Feature.Place;

    // These see something only where it stirs: a still room, a closed door, a dark screen have seen nobody.
    private const ulong SeesWhatStirs = 1UL << (int)Feature.RoomMotion | 1UL << (int)Feature.DoorOpen | 1UL << (int)Feature.ScreenOn | 1UL << (int)Feature.ApplianceOn;

    private readonly ulong[] _seenBy; // by scenario; bit f: feature f can see it

    public Sight(BoundModel model)
    {
        ulong read = BitsOf(feature => model.Inputs.Any(input => input.Feature == feature));
        _seenBy = [.. model.Model.Scenarios.Select(shape => shape.SeenBy is null ? read : BitsOf(shape.SeenBy.Contains))];
    }

    /// <summary>The scenarios that can be seen in a minute: bit n for scenario n.</summary>
    /// <param name="vector">One value a feature, NaN = missing.</param>
    public uint Of(ReadOnlySpan<float> vector)
    {
        ulong heard = 0;
        for (int i = 0; i < vector.Length; i++)
        {
            bool isHeard = (SeesWhatStirs >> i & 1) == 0 ? !float.IsNaN(vector[i]) : vector[i] > 0;
            if (isHeard) heard |= 1UL << i;
        }

        uint seen = 0;
        for (int k = 0; k < _seenBy.Length; k++)
        {
            if ((heard & _seenBy[k]) != 0) seen |= 1u << k;
        }

        return seen;
    }

    private static ulong BitsOf(Func<string, bool> isOne)
    {
        ulong bits = 0;
        for (int i = 0; i < FeatureCatalog.Count; i++)
        {
            if (isOne(FeatureCatalog.Names[i])) bits |= 1UL << i;
        }

        return bits & ~NeverSees;
    }
}
