using System.Globalization;
using System.Numerics;
using System.Text;
using Telemetry.Wire.V1;

namespace Telemetry.Bench.Codec;

/// <summary>What the same rows cost in other encodings. Sizes only, each with one shared column of times a block and its usual first values.</summary>
internal static class PeerSizes
{
    /// <summary>Gorilla (VLDB 2015, section 4.1): delta of delta times in s, XORed doubles, 64-bit first time and values.</summary>
    public static double Gorilla(CodecSeries series, int from, int to)
    {
        long bits = 64;
        long lastStep = 0;
        for (int row = from + 1; row < to; row++)
        {
            long step = (series.TimesMs[row] - series.TimesMs[row - 1]) / 1000;
            long change = step - lastStep;
            bits += change == 0 ? 1 : change is >= -63 and <= 64 ? 9 : change is >= -255 and <= 256 ? 12 : change is >= -2047 and <= 2048 ? 16 : 36;
            lastStep = step;
        }

        foreach (int[] column in series.Columns) bits += GorillaColumn(column, from, to);
        return Math.Ceiling(bits / 8.0);
    }

    /// <summary>simple8b (Anh and Moffat 2010): zigzag differences, and delta of delta times in s, in 64-bit words with 4-bit selectors.</summary>
    public static double Simple8b(CodecSeries series, int from, int to)
    {
        List<ulong> numbers = [];
        long lastStep = 0;
        for (int row = from; row < to; row++)
        {
            long step = row == from ? series.TimesMs[row] / 1000 : (series.TimesMs[row] - series.TimesMs[row - 1]) / 1000;
            numbers.Add(ZigZag(row == from ? step : step - lastStep));
            lastStep = row == from ? 0 : step;
        }

        double bytes = Simple8bWords(numbers) * 8.0;
        foreach (int[] column in series.Columns)
        {
            numbers.Clear();
            for (int row = from; row < to; row++) numbers.Add(ZigZag(row == from ? column[row] : (long)column[row] - column[row - 1]));
            bytes += Simple8bWords(numbers) * 8.0;
        }

        return bytes;
    }

    /// <summary>The contract's own plain block: packed sint64 differences.</summary>
    public static double Protobuf(CodecSeries series, int from, int to)
    {
        PlainBlock block = new() { StartUptimeMs = (ulong)series.TimesMs[from], Rows = (uint)(to - from) };
        bool isRegular = true;
        for (int row = from + 2; row < to; row++)
            isRegular &= series.TimesMs[row] - series.TimesMs[row - 1] == series.TimesMs[from + 1] - series.TimesMs[from];
        if (isRegular && to - from > 1) block.PeriodMs = (uint)(series.TimesMs[from + 1] - series.TimesMs[from]);
        else for (int row = from + 1; row < to; row++) block.TimeDeltasMs.Add((uint)(series.TimesMs[row] - series.TimesMs[row - 1]));
        for (int column = 0; column < series.Columns.Length; column++)
        {
            PlainColumn plain = new() { Signal = (uint)column + 1 };
            int[] values = series.Columns[column];
            for (int row = from; row < to; row++) plain.Deltas.Add(row == from ? values[row] : (long)values[row] - values[row - 1]);
            block.Columns.Add(plain);
        }

        return block.CalculateSize();
    }

    /// <summary>One JSON object a row: {"t":1234567000,"heart_rate":72,...}, the time in ms of uptime.</summary>
    public static double Json(CodecSeries series, string[] signals, int from, int to)
    {
        StringBuilder text = new();
        for (int row = from; row < to; row++)
        {
            text.Append(row == from ? '[' : ',').Append("{\"t\":").Append(series.TimesMs[row].ToString(CultureInfo.InvariantCulture));
            for (int column = 0; column < signals.Length; column++)
                text.Append(",\"").Append(signals[column]).Append("\":").Append(series.Columns[column][row].ToString(CultureInfo.InvariantCulture));
            text.Append('}');
        }

        return text.Append(']').Length;
    }

    private static long GorillaColumn(int[] column, int from, int to)
    {
        long bits = 64;
        ulong last = (ulong)BitConverter.DoubleToInt64Bits(column[from]);
        int leading = 65, trailing = 65;
        for (int row = from + 1; row < to; row++)
        {
            ulong value = (ulong)BitConverter.DoubleToInt64Bits(column[row]);
            ulong change = value ^ last;
            last = value;
            bits++;
            if (change == 0) continue;
            bits++;
            int lead = Math.Min(31, BitOperations.LeadingZeroCount(change)), trail = BitOperations.TrailingZeroCount(change);
            if (lead < leading || trail < trailing)
            {
                bits += 11;
                leading = lead;
                trailing = trail;
            }

            bits += 64 - leading - trailing;
        }

        return bits;
    }

    // Selectors 0 and 1 are runs of 240 and 120 zeros; the others hold n numbers of b bits.
    private static int Simple8bWords(List<ulong> numbers)
    {
        ReadOnlySpan<(int Count, int Bits)> selectors =
            [(60, 1), (30, 2), (20, 3), (15, 4), (12, 5), (10, 6), (8, 7), (7, 8), (6, 10), (5, 12), (4, 15), (3, 20), (2, 30), (1, 60)];
        int words = 0;
        for (int at = 0; at < numbers.Count; words++)
        {
            int zeros = 0;
            while (at + zeros < numbers.Count && numbers[at + zeros] == 0) zeros++;
            if (zeros >= 120)
            {
                at += zeros >= 240 ? 240 : 120;
                continue;
            }

            foreach ((int count, int bits) in selectors)
            {
                int taken = Math.Min(count, numbers.Count - at);
                bool fits = true;
                for (int i = 0; i < taken && fits; i++) fits = numbers[at + i] >> bits == 0;
                if (!fits && bits < 60) continue;
                at += taken;
                break;
            }
        }

        return words;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));
}
