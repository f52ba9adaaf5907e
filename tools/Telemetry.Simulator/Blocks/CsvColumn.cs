using System.Globalization;

namespace Telemetry.Simulator.Blocks;

/// <summary>How the numbers of a CSV column are held.</summary>
public enum CsvCoding
{
    /// <summary>Scaled integers, every cell with the same number of decimals.</summary>
    Fixed = 0,

    /// <summary>Scaled integers, written without zeros at the end.</summary>
    Trimmed = 1,

    /// <summary>IEEE doubles, written in the shortest text that reads back the same.</summary>
    Real = 2,
}

/// <summary>One signal of a CSV.</summary>
public sealed class CsvColumn
{
    private CsvColumn(string name, CsvCoding coding, int decimals, long?[] values)
    {
        Name = name;
        Coding = coding;
        Decimals = decimals;
        Values = values;
        IsWide = coding != CsvCoding.Real && values.Any(value => value is < int.MinValue or > int.MaxValue);
    }

    /// <summary>Cell of the header.</summary>
    public string Name { get; }

    /// <summary>How cells become numbers.</summary>
    public CsvCoding Coding { get; }

    /// <summary>Digits after the point of a scaled integer.</summary>
    public int Decimals { get; }

    /// <summary>Scaled integers, or the bits of doubles; null = an empty cell.</summary>
    public long?[] Values { get; }

    /// <summary>True when a value needs more than 32 bits.</summary>
    public bool IsWide { get; }

    /// <summary>Reads the cells of a column; the coding is the first that gives every cell back.</summary>
    /// <exception cref="InvalidDataException">Names the line of a cell that is not a number, or not one that comes back equal.</exception>
    public static CsvColumn Read(string name, string[] cells)
    {
        int decimals = cells.Select(DecimalText.DecimalsOf).DefaultIfEmpty().Max();
        if (decimals <= DecimalText.MaxDecimals && TryScale(cells, decimals, out long?[] scaled))
        {
            bool isFixed = cells.All(cell => cell.Length == 0 || DecimalText.DecimalsOf(cell) == decimals);
            return new CsvColumn(name, isFixed ? CsvCoding.Fixed : CsvCoding.Trimmed, decimals, scaled);
        }

        long?[] reals = new long?[cells.Length];
        for (int row = 0; row < cells.Length; row++)
        {
            if (cells[row].Length == 0) continue;
            if (!TryReadReal(cells[row], out double real))
                throw new InvalidDataException($"Line {row + 2}: '{Shortened(cells[row])}' in column '{name}' is not a number.");
            if (!DecimalText.IsEqual(cells[row], real))
            {
                throw new InvalidDataException(
                    $"Line {row + 2}: '{Shortened(cells[row])}' in column '{name}' would not come back equal; a 64-bit integer with {DecimalText.MaxDecimals} decimals at most, the same for the column, or a double is expected.");
            }

            reals[row] = BitConverter.DoubleToInt64Bits(real);
        }

        return new CsvColumn(name, CsvCoding.Real, 0, reals);
    }

    /// <summary>The text of a value.</summary>
    public static string Write(CsvCoding coding, int decimals, long value) => coding == CsvCoding.Real
        ? BitConverter.Int64BitsToDouble(value).ToString("R", CultureInfo.InvariantCulture)
        : DecimalText.Write(value, decimals, coding == CsvCoding.Trimmed);

    // What .NET reads, and infinities as C and Python write them.
    private static bool TryReadReal(string cell, out double real)
    {
        if (cell.Equals("inf", StringComparison.OrdinalIgnoreCase)) real = double.PositiveInfinity;
        else if (cell.Equals("-inf", StringComparison.OrdinalIgnoreCase)) real = double.NegativeInfinity;
        else return double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out real);
        return true;
    }

    private static bool TryScale(string[] cells, int decimals, out long?[] values)
    {
        values = new long?[cells.Length];
        for (int row = 0; row < cells.Length; row++)
        {
            if (cells[row].Length == 0) continue;
            if (!DecimalText.TryParse(cells[row], decimals, out long value)) return false;
            values[row] = value;
        }

        return true;
    }

    private static string Shortened(string cell) => cell.Length <= 40 ? cell : cell[..40] + "...";
}
