using System.Globalization;
using System.Text;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.LineProtocol;

/// <summary>One sample as a line of the InfluxDB line protocol, named as the sink names it with a measurement a signal. For exports; the sink's own way is faster.</summary>
public static class SampleLine
{
    /// <summary>Appends a line with its line break. A value that is no finite number has no line, nor has a time before 1677 or behind 2262.</summary>
    /// <param name="text">Appended to.</param>
    /// <param name="device">Tags brand, device and model.</param>
    /// <param name="signal">The measurement.</param>
    /// <param name="unixMs">Written in ns.</param>
    /// <param name="repetition">Samples of the same signal and millisecond before this one; each is a nanosecond.</param>
    /// <param name="fields">Field keys and values, e.g. <c>value</c>.</param>
    public static void Append(StringBuilder text, DeviceDescription device, SignalDefinition signal, long unixMs, int repetition, params ReadOnlySpan<(string Key, double Value)> fields)
    {
        if (!LineWriter.TryStamp(unixMs, repetition, out long stamp)) return;
        foreach ((string _, double value) in fields)
        {
            if (!double.IsFinite(value)) return;
        }

        LineWriter.AppendMeasurement(text, signal.Key);
        text.Append(",brand=");
        LineWriter.AppendKey(text, device.Brand);
        text.Append(",device=");
        LineWriter.AppendKey(text, device.Device);
        text.Append(",model=");
        LineWriter.AppendKey(text, device.Model);
        char before = ' ';
        foreach ((string key, double value) in fields)
        {
            text.Append(before).Append(key).Append('=').Append(value.ToString("R", CultureInfo.InvariantCulture));
            before = ',';
        }

        text.Append(CultureInfo.InvariantCulture, $" {stamp}\n");
    }
}
