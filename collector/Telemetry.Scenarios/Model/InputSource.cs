using System.Globalization;

namespace Telemetry.Scenarios.Model;

/// <summary>What of a base feature an input of a model is.</summary>
public enum InputKind
{
    /// <summary>This minute's value.</summary>
    Value,

    /// <summary>Its decaying mean, this minute included: <c>name.m15</c>.</summary>
    Mean,

    /// <summary>How far this minute stands from the person's own decaying mean, in own mean deviations: <c>name.z1440</c>.</summary>
    Relative,
}

/// <summary>Where an input of a model comes from.</summary>
/// <param name="Base">Number of the base feature; -1 = not measured here, always missing.</param>
/// <param name="Kind">What of it.</param>
/// <param name="Minutes">Time constant of the mean; 0 for <see cref="InputKind.Value"/>.</param>
/// <param name="Feature">Name of the base feature, for evidence.</param>
public readonly record struct InputSource(int Base, InputKind Kind, int Minutes, string Feature)
{
    /// <summary>Decaying means it takes to read it.</summary>
    internal int Remembered => (int)Kind;

    /// <summary>Reads the name of an input; a suffix that is none is a part of the feature's name.</summary>
    /// <param name="name">As in a model file.</param>
    /// <param name="baseNames">Names in the order of the vectors.</param>
    public static InputSource Parse(string name, IReadOnlyList<string> baseNames)
    {
        int dot = name.LastIndexOf('.');
        InputKind kind = dot <= 0 || dot + 2 >= name.Length ? InputKind.Value : name[dot + 1] switch { 'm' => InputKind.Mean, 'z' => InputKind.Relative, _ => InputKind.Value };
        if (kind == InputKind.Value || !int.TryParse(name.AsSpan(dot + 2), NumberStyles.None, CultureInfo.InvariantCulture, out int minutes) || minutes == 0)
            return new InputSource(IndexOf(name, baseNames), InputKind.Value, 0, name);
        string feature = name[..dot];
        return new InputSource(IndexOf(feature, baseNames), kind, minutes, feature);
    }

    private static int IndexOf(string feature, IReadOnlyList<string> baseNames)
    {
        for (int i = 0; i < baseNames.Count; i++)
        {
            if (baseNames[i] == feature) return i;
        }

        return -1;
    }
}
