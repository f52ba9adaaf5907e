using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Segments;

/// <summary>Joins minutes of one name into segments, and sums up their confidence, evidence and devices.</summary>
internal sealed class SegmentBuilder(BoundModel model)
{
    private const int MostEvidence = 5;

    private readonly double[] _shares = new double[model.Inputs.Count];
    private readonly List<uint> _devices = [];
    private string? _name;
    private int _start, _end;
    private double _confidence;
    private bool _provisional;

    /// <summary>Adds the next minute. Minutes follow each other without a gap.</summary>
    /// <returns>The segment this minute closes, or null.</returns>
    public Segment? Add(int minute, string name, int scenario, double confidence, ReadOnlySpan<float> inputs, MinuteRow? row, bool provisional)
    {
        Segment? closed = null;
        if (_name != name || _provisional != provisional)
        {
            closed = Close();
            _name = name;
            _start = minute;
            _provisional = provisional;
        }

        _end = minute + 1;
        if (!ScenarioNames.ClaimsNothing(name))
        {
            _confidence += confidence;
            model.Explain(inputs, scenario, _shares);
        }

        if (row is not null)
        {
            foreach (DeviceMinute device in row.Devices) Note(device.DeviceKey);
        }

        return closed;
    }

    /// <summary>A builder that goes on from here and leaves this one as it is.</summary>
    public SegmentBuilder Copy()
    {
        SegmentBuilder copy = new(model) { _name = _name, _start = _start, _end = _end, _confidence = _confidence, _provisional = _provisional };
        _shares.CopyTo(copy._shares, 0);
        copy._devices.AddRange(_devices);
        return copy;
    }

    /// <summary>Ends the open segment.</summary>
    public Segment? Close()
    {
        if (_name is null) return null;
        Segment segment = new(_name, _start, _end, Math.Round(_confidence / (_end - _start), 3), TopEvidence(), [.. _devices], model.Model.Version, _provisional);
        _name = null;
        _confidence = 0;
        _devices.Clear();
        Array.Clear(_shares);
        return segment;
    }

    private void Note(uint device)
    {
        int at = _devices.BinarySearch(device);
        if (at < 0) _devices.Insert(~at, device);
    }

    private Evidence[] TopEvidence()
    {
        Dictionary<string, double> byFeature = new(StringComparer.Ordinal);
        double total = 0;
        for (int i = 0; i < _shares.Length; i++)
        {
            if (_shares[i] == 0) continue;
            string feature = model.Inputs[i].Feature;
            byFeature[feature] = byFeature.GetValueOrDefault(feature) + _shares[i];
        }

        foreach (double share in byFeature.Values) total += Math.Abs(share);
        return [.. byFeature
            .Select(pair => new Evidence(pair.Key, Math.Round(pair.Value / total, 3)))
            .OrderByDescending(evidence => Math.Abs(evidence.Share)).ThenBy(evidence => evidence.Feature, StringComparer.Ordinal)
            .Take(MostEvidence)];
    }
}
