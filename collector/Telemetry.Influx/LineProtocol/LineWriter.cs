using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Telemetry.Influx.LineProtocol;

// A line (InfluxDB line protocol):
//   measurement,tag=value,tag=value field=value,field=value timestamp\n
//   measurement       escapes ',' and ' '
//   tag and field     keys and tag values escape ',', '=' and ' '
//   string fields     "quoted", escape '"' and '\'
//   numbers           bare = float, with 'i' = integer
// Tags stand in the order of their keys, which saves the server a sort.

/// <summary>The parts of a line. Numbers go into spans; names are escaped once a series and then copied.</summary>
internal static class LineWriter
{
    /// <summary>Room for any number: "-1.7976931348623157E+308" has 24 bytes, a decimal of 19 digits with sign, point and leading zero 22.</summary>
    public const int MaxNumberBytes = 32;

    /// <summary>2262-04-11. This and its negative, 1677-09-21, are the last milliseconds that have 63 bits of nanoseconds whole; InfluxDB knows no other time, whatever the unit.</summary>
    public const long LastUnixMs = (long.MaxValue / NanosecondsPerMillisecond) - 1;

    private const long NanosecondsPerMillisecond = 1_000_000;

    /// <summary>Escapes a measurement name.</summary>
    public static void AppendMeasurement(StringBuilder line, string name) => AppendEscaped(line, name, escapesEquals: false);

    /// <summary>Escapes a tag key, tag value or field key.</summary>
    public static void AppendKey(StringBuilder line, string name) => AppendEscaped(line, name, escapesEquals: true);

    /// <summary>Quotes a string field. Any text comes back equal, line breaks too.</summary>
    public static void AppendString(StringBuilder line, string text)
    {
        line.Append('"');
        foreach (char letter in text)
        {
            if (letter is '"' or '\\') line.Append('\\');
            line.Append(letter);
        }

        line.Append('"');
    }

    /// <summary>A sample's timestamp in ns. Rows of one signal and millisecond are told apart by one nanosecond each, or the server would keep only the last of them.</summary>
    /// <returns>False when no server has a timestamp for it.</returns>
    public static bool TryStamp(long unixMs, int repetition, out long nanoseconds)
    {
        nanoseconds = (unixMs * NanosecondsPerMillisecond) + repetition;
        return unixMs is >= -LastUnixMs and <= LastUnixMs;
    }

    /// <summary>Writes an integer.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteInteger(Span<byte> destination, long value)
    {
        Utf8Formatter.TryFormat(value, destination, out int length);
        return length;
    }

    /// <summary>Writes a finite double, shortest form that reads back equal.</summary>
    /// <returns>Bytes written; 0 for NaN and infinities, which the protocol does not know.</returns>
    public static int WriteReal(Span<byte> destination, double value)
    {
        if (!double.IsFinite(value)) return 0;
        value.TryFormat(destination, out int length, "R", CultureInfo.InvariantCulture);
        return length;
    }

    /// <summary>Names cannot carry line breaks or end in a backslash (it would escape what follows): such a character becomes '_'.</summary>
    private static void AppendEscaped(StringBuilder line, string name, bool escapesEquals)
    {
        for (int i = 0; i < name.Length; i++)
        {
            char letter = name[i];
            if (letter is ',' or ' ' || (letter == '=' && escapesEquals)) line.Append('\\').Append(letter);
            else if (char.IsControl(letter) || (letter == '\\' && (i == name.Length - 1 || name[i + 1] is ',' or ' ' or '='))) line.Append('_');
            else line.Append(letter);
        }
    }
}
