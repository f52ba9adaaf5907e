namespace Telemetry.Simulator.Sources;

/// <summary>Faults of an input: the first ones as text, all of them counted.</summary>
public sealed class FaultLog
{
    /// <summary>Texts kept.</summary>
    public const int MaxTexts = 100;

    private readonly List<string> _texts = [];

    /// <summary>The first faults.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>All faults.</summary>
    public long Count { get; private set; }

    /// <summary>Takes in a fault; the text names file, place, what was found and what is expected.</summary>
    public void Add(string text)
    {
        Count++;
        if (_texts.Count < MaxTexts) _texts.Add(text);
    }
}
