using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Segments;

/// <summary>What a segment takes from a minute besides its name.</summary>
/// <param name="Minute">Whole minutes since 1970 UTC.</param>
/// <param name="Row">Null when no device spoke.</param>
/// <param name="Place">As <see cref="Segment.Place"/>.</param>
/// <param name="IsProvisional">As <see cref="Segment.IsProvisional"/>.</param>
internal readonly record struct BuiltMinute(int Minute, MinuteRow? Row, int Place, bool IsProvisional);

/// <summary>Joins minutes of one name into segments, and sums up their confidence, evidence and devices.</summary>
internal sealed class SegmentBuilder(BoundModel model)
{
    /// <summary>Name of the evidence that is the person's word.</summary>
    public const string AnswerEvidence = "answer";

    private const int MostEvidence = 5;

    private readonly double[] _shares = new double[model.Inputs.Count];
    private readonly List<uint> _devices = [];
    private string? _name;
    private int _start, _end, _said, _place;
    private double _confidence;
    private bool _provisional;

    /// <summary>Adds the next minute. Minutes follow each other without a gap.</summary>
    /// <returns>The segment this minute closes, or null.</returns>
    public Segment? Add(string name, int scenario, double confidence, ReadOnlySpan<byte> ranks, in BuiltMinute minute)
    {
        Segment? closed = Begin(name, minute);
        if (!ScenarioNames.ClaimsNothing(name))
        {
            _confidence += confidence;
            model.Explain(ranks, scenario, _shares);
        }

        return closed;
    }

    /// <summary>Adds the next minute, of which the person said what it was: that is sure, and the evidence is the person's word.</summary>
    /// <returns>The segment this minute closes, or null.</returns>
    public Segment? AddSaid(string name, in BuiltMinute minute)
    {
        Segment? closed = Begin(name, minute);
        _confidence++;
        _said++;
        return closed;
    }

    /// <summary>A builder that goes on from here and leaves this one as it is.</summary>
    public SegmentBuilder Copy()
    {
        SegmentBuilder copy = new(model) { _name = _name, _start = _start, _end = _end, _said = _said, _place = _place, _confidence = _confidence, _provisional = _provisional };
        _shares.CopyTo(copy._shares, 0);
        copy._devices.AddRange(_devices);
        return copy;
    }

    /// <summary>Ends the open segment.</summary>
    public Segment? Close()
    {
        if (_name is null) return null;
        Segment segment = new(_name, _start, _end, Math.Round(_confidence / (_end - _start), 3), TopEvidence(), [.. _devices], model.Model.Version, _provisional) { Place = _place };
        _name = null;
        (_confidence, _said) = (0, 0);
        _devices.Clear();
        Array.Clear(_shares);
        return segment;
    }

    private Segment? Begin(string name, in BuiltMinute minute)
    {
        Segment? closed = null;
        if (_name != name || _provisional != minute.IsProvisional)
        {
            closed = Close();
            (_name, _start, _provisional) = (name, minute.Minute, minute.IsProvisional);
        }

        (_end, _place) = (minute.Minute + 1, minute.Place);
        if (minute.Row is not null)
        {
            foreach (DeviceMinute device in minute.Row.Devices) Note(device.DeviceKey);
        }

        return closed;
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
        if (_said > 0)
        {
            // The person's word has its share of the minutes; what devices said has the rest.
            double word = (double)_said / (_end - _start);
            byFeature[AnswerEvidence] = word == 1 || total == 0 ? 1 : total * word / (1 - word);
            total += byFeature[AnswerEvidence];
        }

        return [.. byFeature
            .Select(pair => new Evidence(pair.Key, Math.Round(pair.Value / total, 3)))
            .OrderByDescending(evidence => Math.Abs(evidence.Share)).ThenBy(evidence => evidence.Feature, StringComparer.Ordinal)
            .Take(MostEvidence)];
    }
}
