using System.Runtime.InteropServices;

namespace Telemetry.Wire.Blocks;

/// <summary>What a <see cref="TokenGroup"/> is.</summary>
internal enum GroupKind : byte
{
    /// <summary>One or two differences whose codes, signs and extra bits all lie in the looked-up bits: at most 15, runs of at most 7.</summary>
    Small,

    /// <summary>One difference with sign and extra bits behind its code.</summary>
    Range,

    /// <summary>As <see cref="Small"/>, one, after a longer run.</summary>
    LongRun,

    /// <summary>An exact swap.</summary>
    Swap,

    /// <summary>A near swap: sign and distance stand behind the code.</summary>
    NearSwap,

    /// <summary>A run of 64, or to the end of the block.</summary>
    FullRun,

    /// <summary>A far difference, codes longer than the looked-up bits, or Rice coding: the slow path reads it.</summary>
    Unlisted,
}

/// <summary>
/// What the next bits of a stream say in one class: a token, or two when the class of the second is the same for every mean of the first one's.
/// Sixteen bytes, so that a class takes 16 KiB.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct TokenGroup
{
    /// <summary>Small: added to the mean before <see cref="MeanShift"/>. Else the least magnitude.</summary>
    public uint Gain { get; init; }

    /// <summary>Small: the mean becomes (mean + Gain) >> MeanShift. Exact, because floors of shifts nest and a small magnitude never meets the bound.</summary>
    public byte MeanShift { get; init; }

    /// <summary>Bits of everything but a near swap's distance.</summary>
    public byte Bits { get; init; }

    /// <summary>Bits of the first token; of a range, of its codes alone.</summary>
    public byte FirstBits { get; init; }

    /// <summary>Rows before the first change.</summary>
    public byte First { get; init; }

    /// <summary>Rows before the last change; equals <see cref="First"/> when there is one.</summary>
    public byte Last { get; init; }

    /// <summary>Small: the first change, if the sign so far (after <see cref="SignMask"/>) is rising.</summary>
    public sbyte FirstStep { get; init; }

    /// <summary>Small: both changes together.</summary>
    public sbyte LastStep { get; init; }

    /// <summary>Small: 0 where the sign does not depend on the one before, else -1.</summary>
    public sbyte SignMask { get; init; }

    /// <summary>Small and LongRun: -1 if the sign turns, else 0.</summary>
    public sbyte Turn { get; init; }

    /// <summary>Range: mask of the extra bits behind the sign.</summary>
    public byte ExtraMask { get; init; }

    /// <summary>What it is.</summary>
    public GroupKind Kind { get; init; }
}
