using System.Globalization;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.LineProtocol;

/// <summary>
/// A signal's resolution as the decimal number its author wrote, mantissa * 10^-Decimals, so that value = scaled integer * resolution
/// is written exactly: 7 steps of 0.1 are "0.7", not 0.7000000000000001.
/// </summary>
internal readonly struct DecimalScale
{
    private static readonly long[] PowersOfTen =
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
        10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
    ];

    private readonly double _resolution;
    private readonly long _mantissa;
    private readonly int _decimals;

    private DecimalScale(double resolution, long mantissa, int decimals) => (_resolution, _mantissa, _decimals) = (resolution, mantissa, decimals);

    /// <summary>The scale of a resolution; one that has no short decimal form falls back to double arithmetic.</summary>
    public static DecimalScale Of(double resolution) =>
        DecimalResolution.Of(resolution) is { } exact ? new DecimalScale(resolution, exact.Mantissa, exact.Decimals) : new DecimalScale(resolution, 0, 0);

    /// <summary>Writes <paramref name="scaled"/> * resolution.</summary>
    /// <param name="destination">At least <see cref="LineWriter.MaxNumberBytes"/> bytes.</param>
    /// <param name="scaled">Value on the wire.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination, long scaled)
    {
        long product = 0;
        bool fits = _mantissa == 1 || (_mantissa > 1 && !OverflowsWith(scaled, out product));
        if (_mantissa == 1) product = scaled;
        if (!fits || product == long.MinValue)
        {
            (scaled * _resolution).TryFormat(destination, out int length, "R", CultureInfo.InvariantCulture);
            return length;
        }

        return WriteDecimal(destination, product);
    }

    private bool OverflowsWith(long scaled, out long product)
    {
        Int128 wide = (Int128)scaled * _mantissa;
        product = (long)wide;
        return product != wide;
    }

    /// <summary>Digits of <paramref name="value"/> with the point before the last <see cref="_decimals"/>, zeros at the end dropped.</summary>
    private int WriteDecimal(Span<byte> destination, long value)
    {
        int at = 0;
        if (value < 0)
        {
            destination[at++] = (byte)'-';
            value = -value;
        }

        int decimals = _decimals;
        while (decimals > 0 && value % 10 == 0)
        {
            value /= 10;
            decimals--;
        }

        if (decimals == 0) return at + LineWriter.WriteInteger(destination[at..], value);
        long whole = value / PowersOfTen[decimals];
        at += LineWriter.WriteInteger(destination[at..], whole);
        destination[at++] = (byte)'.';
        long fraction = value - (whole * PowersOfTen[decimals]);
        for (int i = decimals - 1; i >= 0; i--)
        {
            destination[at + i] = (byte)('0' + (fraction % 10));
            fraction /= 10;
        }

        return at + decimals;
    }
}
