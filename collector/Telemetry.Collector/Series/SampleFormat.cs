using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Telemetry.Collector.Series;

/// <summary>Writes samples as they are read: a JSON object a line, or CSV (RFC 4180).</summary>
internal static class SampleFormat
{
    /// <summary>Column names of the CSV answer.</summary>
    public const string CsvHeader = "unix_ms,brand,device,signal,value,unit,error_ms,quality\n";

    private static readonly JsonWriterOptions s_json = new() { SkipValidation = true };

    /// <summary>A writer of one JSON object a line into <paramref name="output"/>.</summary>
    public static Action<SampleRow> JsonLines(IBufferWriter<byte> output)
    {
        Utf8JsonWriter json = new(output, s_json);
        return row =>
        {
            json.Reset(output);
            json.WriteStartObject();
            json.WriteString("brand"u8, row.Device.Brand);
            json.WriteString("device"u8, row.Device.Device);
            json.WriteString("signal"u8, row.Signal.Key);
            json.WriteNumber("unixMs"u8, row.UnixMs);
            WriteValue(json, row.Value);
            json.WriteString("unit"u8, row.Signal.Unit);
            json.WriteNumber("errorMs"u8, row.ErrorMs);
            json.WriteNumber("quality"u8, row.Quality);
            json.WriteEndObject();
            json.Flush();
            output.Write("\n"u8);
        };
    }

    /// <summary>A writer of one CSV line a sample into <paramref name="output"/>; the header is the caller's.</summary>
    public static Action<SampleRow> Csv(IBufferWriter<byte> output) => row =>
    {
        // Ids and keys have no character that CSV must quote; a UCUM unit may.
        string unit = row.Signal.Unit.AsSpan().ContainsAny(",\"\n\r") ? $"\"{row.Signal.Unit.Replace("\"", "\"\"")}\"" : row.Signal.Unit;
        string line = string.Create(CultureInfo.InvariantCulture,
            $"{row.UnixMs},{row.Device.Brand},{row.Device.Device},{row.Signal.Key},{row.Value},{unit},{row.ErrorMs},{row.Quality}\n");
        Encoding.UTF8.GetBytes(line, output);
    };

    // JSON has no NaN and no infinities; they come as the strings of the protobuf JSON mapping.
    private static void WriteValue(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber("value"u8, value);
        else json.WriteString("value"u8, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }
}
