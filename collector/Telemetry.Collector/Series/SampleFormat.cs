using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Telemetry.Influx.LineProtocol;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>Writes samples and steps as they are read.</summary>
internal abstract class SampleFormat
{
    /// <summary>Media type of the answer.</summary>
    public abstract string MediaType { get; }

    /// <summary>What comes before the first row.</summary>
    public virtual string HeaderOf(bool isSteps) => "";

    public abstract void Write(IBufferWriter<byte> output, in SampleRow row);

    public abstract void Write(IBufferWriter<byte> output, in SampleStep step);

    /// <summary>The format a caller asks for by <c>accept</c>: <c>text/csv</c>, <c>text/x-influx-line</c>, or else JSON lines.</summary>
    public static SampleFormat For(string accept) =>
        accept.Contains("text/csv", StringComparison.OrdinalIgnoreCase) ? new Csv()
        : accept.Contains("text/x-influx-line", StringComparison.OrdinalIgnoreCase) ? new Lines()
        : new JsonLines();

    /// <summary>A JSON object a line.</summary>
    private sealed class JsonLines : SampleFormat
    {
        private static readonly JsonWriterOptions s_json = new() { SkipValidation = true };
        private Utf8JsonWriter? _json;

        public override string MediaType => "application/x-ndjson";

        public override void Write(IBufferWriter<byte> output, in SampleRow row)
        {
            Utf8JsonWriter json = Begin(output, row.Device, row.Signal, row.UnixMs);
            WriteNumber(json, "value"u8, row.Value);
            End(json, output, row.Signal, row.ErrorMs, row.Quality);
        }

        public override void Write(IBufferWriter<byte> output, in SampleStep step)
        {
            Utf8JsonWriter json = Begin(output, step.Device, step.Signal, step.UnixMs);
            json.WriteNumber("count"u8, step.Count);
            WriteNumber(json, "min"u8, step.Min);
            WriteNumber(json, "max"u8, step.Max);
            WriteNumber(json, "mean"u8, step.Mean);
            WriteNumber(json, "last"u8, step.Last);
            WriteNumber(json, "sum"u8, step.Sum);
            End(json, output, step.Signal, step.ErrorMs, step.Quality);
        }

        private Utf8JsonWriter Begin(IBufferWriter<byte> output, DeviceDescription device, SignalDefinition signal, long unixMs)
        {
            Utf8JsonWriter json = _json ??= new Utf8JsonWriter(output, s_json);
            json.Reset(output);
            json.WriteStartObject();
            json.WriteString("brand"u8, device.Brand);
            json.WriteString("device"u8, device.Device);
            json.WriteString("signal"u8, signal.Key);
            json.WriteNumber("unixMs"u8, unixMs);
            return json;
        }

        private static void End(Utf8JsonWriter json, IBufferWriter<byte> output, SignalDefinition signal, uint errorMs, byte quality)
        {
            json.WriteString("unit"u8, signal.Unit);
            json.WriteNumber("errorMs"u8, errorMs);
            json.WriteNumber("quality"u8, quality);
            json.WriteEndObject();
            json.Flush();
            output.Write("\n"u8);
        }

        // JSON has no NaN and no infinities; they come as the strings of the protobuf JSON mapping.
        private static void WriteNumber(Utf8JsonWriter json, ReadOnlySpan<byte> name, double value)
        {
            if (double.IsFinite(value)) json.WriteNumber(name, value);
            else json.WriteString(name, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
    }

    /// <summary>CSV (RFC 4180, lines end in \n).</summary>
    private sealed class Csv : SampleFormat
    {
        public override string MediaType => "text/csv; charset=utf-8";

        public override string HeaderOf(bool isSteps) => isSteps
            ? "unix_ms,brand,device,signal,count,min,max,mean,last,sum,unit,error_ms,quality\n"
            : "unix_ms,brand,device,signal,value,unit,error_ms,quality\n";

        public override void Write(IBufferWriter<byte> output, in SampleRow row) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{row.UnixMs},{row.Device.Brand},{row.Device.Device},{row.Signal.Key},{row.Value},{UnitOf(row.Signal)},{row.ErrorMs},{row.Quality}\n"), output);

        public override void Write(IBufferWriter<byte> output, in SampleStep step) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{step.UnixMs},{step.Device.Brand},{step.Device.Device},{step.Signal.Key},{step.Count},{step.Min},{step.Max},{step.Mean},{step.Last},{step.Sum},{UnitOf(step.Signal)},{step.ErrorMs},{step.Quality}\n"), output);

        // Ids and keys have no character that CSV must quote; a UCUM unit may.
        private static string UnitOf(SignalDefinition signal) =>
            signal.Unit.AsSpan().ContainsAny(",\"\n\r") ? $"\"{signal.Unit.Replace("\"", "\"\"")}\"" : signal.Unit;
    }

    /// <summary>InfluxDB line protocol, in ns; NaN, infinities and times that InfluxDB does not know have no line.</summary>
    private sealed class Lines : SampleFormat
    {
        private readonly StringBuilder _text = new();

        public override string MediaType => "text/x-influx-line; charset=utf-8";

        public override void Write(IBufferWriter<byte> output, in SampleRow row)
        {
            SampleLine.Append(_text.Clear(), row.Device, row.Signal, row.UnixMs, row.Repetition, ("value", row.Value));
            Flush(output);
        }

        public override void Write(IBufferWriter<byte> output, in SampleStep step)
        {
            SampleLine.Append(
                _text.Clear(), step.Device, step.Signal, step.UnixMs, repetition: 0, ("count", step.Count), ("min", step.Min), ("max", step.Max), ("mean", step.Mean), ("last", step.Last), ("sum", step.Sum));
            Flush(output);
        }

        private void Flush(IBufferWriter<byte> output)
        {
            foreach (ReadOnlyMemory<char> chunk in _text.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, output);
        }
    }
}
