using Telemetry.Wire.Blocks;

namespace Telemetry.Log.Rewriting;

/// <summary>What a row of a packed block consists of.</summary>
internal sealed record BlockShape(int[] Signals, byte[] Kinds, bool StepsInSeconds)
{
    private const byte StepsInSecondsFlag = 0x20;

    /// <summary>The shape of a good packed block.</summary>
    public static BlockShape Of(ReadOnlySpan<byte> block)
    {
        BlockLayout.Read(block, out BlockLayout? layout);
        return new BlockShape(
            [.. layout!.Columns.Select(column => column.SignalId)], [.. layout.Columns.Select(column => (byte)column.Kind)], (block[0] & StepsInSecondsFlag) != 0);
    }

    public RowBuffer NewRows() => new(Signals, Kinds);
}
