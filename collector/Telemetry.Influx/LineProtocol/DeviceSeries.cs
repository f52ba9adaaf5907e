using System.Security.Cryptography;
using System.Text;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.LineProtocol;

/// <summary>The names of one device's series under one profile, escaped once.</summary>
internal sealed class DeviceSeries
{
    private readonly Dictionary<int, SignalSeries> _bySignal = [];

    public DeviceSeries(DeviceDescription device, ModelProfile profile, InfluxOptions options)
    {
        string name = TagOf(device, options);
        StringBuilder text = new();
        if (options.Schema == InfluxSchema.MeasurementPerModel)
        {
            LineWriter.AppendMeasurement(text, profile.Model);
            AppendTags(text, device.Brand, name, model: null);
        }

        RowPrefix = Encoding.UTF8.GetBytes(text.ToString());
        foreach (SignalDefinition signal in profile.Signals)
        {
            text.Clear();
            if (options.Schema == InfluxSchema.MeasurementPerModel)
            {
                LineWriter.AppendKey(text, signal.Key);
                text.Append('=');
            }
            else
            {
                LineWriter.AppendMeasurement(text, signal.Key);
                AppendTags(text, device.Brand, name, profile.Model);
                text.Append("value=");
            }

            _bySignal[signal.Id] = new SignalSeries(Encoding.UTF8.GetBytes(text.ToString()), DecimalScale.Of(signal.Resolution));
        }
    }

    /// <summary>Per model: "model,brand=..,device=.. ". Per signal: empty.</summary>
    public byte[] RowPrefix { get; }

    /// <summary>The series of a signal, or null when the profile does not have it.</summary>
    public SignalSeries? Find(int signalId) => _bySignal.GetValueOrDefault(signalId);

    /// <summary>Value of the tag <c>device</c>.</summary>
    public static string TagOf(DeviceDescription device, InfluxOptions options) =>
        options.DeviceHashKey.Length == 0 ? device.Device : Hash(options.DeviceHashKey, $"{device.Brand}/{device.Device}");

    /// <summary>A device of a text: "brand/device" with the device as its tag has it.</summary>
    public static string NameOf(string name, InfluxOptions options) =>
        options.DeviceHashKey.Length == 0 ? name : $"{name[..(name.IndexOf('/', StringComparison.Ordinal) + 1)]}{Hash(options.DeviceHashKey, name)}";

    /// <summary>Tags in the order of their keys: brand, device, model.</summary>
    private static void AppendTags(StringBuilder text, string brand, string device, string? model)
    {
        text.Append(",brand=");
        LineWriter.AppendKey(text, brand);
        text.Append(",device=");
        LineWriter.AppendKey(text, device);
        if (model is not null)
        {
            text.Append(",model=");
            LineWriter.AppendKey(text, model);
        }

        text.Append(' ');
    }

    private static string Hash(string key, string name) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(name)).AsSpan(0, 8));
}

/// <summary>One signal of one device.</summary>
/// <param name="Prefix">Per signal: everything up to the value. Per model: "key=".</param>
/// <param name="Scale">How its integers become values.</param>
internal sealed record SignalSeries(byte[] Prefix, DecimalScale Scale);
