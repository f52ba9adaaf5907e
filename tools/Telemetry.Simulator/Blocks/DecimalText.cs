using System.Globalization;

namespace Telemetry.Simulator.Blocks;

/// <summary>Decimal numbers as text, exactly: a count of units of 10^-decimals and back.</summary>
internal static class DecimalText
{
    /// <summary>More decimals than this do not fit a scaled 64-bit integer beside a digit before the point.</summary>
    public const int MaxDecimals = 17;

    /// <summary>Digits after the point; 0 without one.</summary>
    public static int DecimalsOf(string text)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? 0 : text.Length - point - 1;
    }

    /// <summary>Reads [-]digits[.digits] as a count of 10^-<paramref name="decimals"/>.</summary>
    /// <returns>False for other texts, more decimals than asked, or a count beyond 64 bits.</returns>
    public static bool TryParse(string text, int decimals, out long value)
    {
        value = 0;
        int own = DecimalsOf(text);
        if (own > decimals || text.Length == 0 || !char.IsAsciiDigit(text[^1])) return false;
        bool isNegative = text[0] == '-';
        Int128 count = 0;
        int point = -1;
        for (int i = isNegative ? 1 : 0; i < text.Length; i++)
        {
            if (text[i] == '.' && point < 0 && i > (isNegative ? 1 : 0)) point = i;
            else if (char.IsAsciiDigit(text[i]) && count < long.MaxValue) count = (count * 10) + (text[i] - '0');
            else return false;
        }

        for (int i = own; i < decimals; i++) count *= 10;
        if (isNegative) count = -count;
        if (count < long.MinValue || count > long.MaxValue) return false;
        value = (long)count;
        return true;
    }

    /// <summary>Writes a count of 10^-<paramref name="decimals"/>, with zeros at its end or without.</summary>
    public static string Write(long value, int decimals, bool isTrimmed)
    {
        if (decimals == 0) return value.ToString(CultureInfo.InvariantCulture);
        string digits = Int128.Abs(value).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string text = $"{(value < 0 ? "-" : "")}{digits[..^decimals]}.{digits[^decimals..]}";
        return isTrimmed ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    /// <summary>True when a text denotes exactly what the shortest text of <paramref name="real"/> denotes: "1e5" and 100000, but not 0.1234567890123456789 and its double.</summary>
    public static bool IsEqual(string text, double real) =>
        !double.IsFinite(real) ? !text.AsSpan().ContainsAnyInRange('0', '9') : Canonical(text) == Canonical(real.ToString("R", CultureInfo.InvariantCulture));

    // Sign, digits without zeros at either end, and the exponent of the last one.
    private static (bool IsNegative, string Digits, int Exponent) Canonical(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        int exponentAt = rest.IndexOfAny('e', 'E');
        int exponent = 0; // stays 0 when it is beyond 32 bits: then only a zero is equal to its double
        if (exponentAt >= 0) _ = int.TryParse(rest[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent);
        string mantissa = (exponentAt < 0 ? rest : rest[..exponentAt]).ToString();
        bool isNegative = mantissa.StartsWith('-');
        exponent -= DecimalsOf(mantissa);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('-', '+').TrimStart('0');
        string significant = digits.TrimEnd('0');
        return (isNegative, significant, significant.Length == 0 ? 0 : exponent + digits.Length - significant.Length);
    }
}
