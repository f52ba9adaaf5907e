using System.Collections.Frozen;
using Telemetry.Scenarios.Answers;
using Telemetry.Wire.Profiles;

namespace Telemetry.Scenarios.Minutes;

/// <summary>Which signals of a profile go into minutes, and how their integers scale. Made once for a profile.</summary>
public sealed class ProfileSlots
{
    private readonly FrozenDictionary<int, SignalTarget> _bySignal;

    /// <summary>Maps every signal whose key, unit and kind a slot understands; all others are left out.</summary>
    public ProfileSlots(ModelProfile profile)
    {
        Dictionary<int, SignalTarget> targets = [];
        foreach (SignalDefinition signal in profile.Signals)
        {
            if (SlotCatalog.Find(signal.Key) is { } law && law.Unit == signal.Unit && Fits(law.Kind, signal.Kind))
                targets[signal.Id] = new SignalTarget(law, signal);
        }

        _bySignal = targets.ToFrozenDictionary();
        RawMotion = RawMotion.Find(profile);
        AnswerSignal = ProfileAnswers.Find(profile)?.Id;
    }

    /// <summary>The event signal that carries a person's answers; null when there is none.</summary>
    public int? AnswerSignal { get; }

    /// <summary>What is derived of raw acceleration; null when the model sends none.</summary>
    internal RawMotion? RawMotion { get; }

    /// <summary>Where a signal goes, or null when minutes have no room for it.</summary>
    public SignalTarget? Find(int signalId) => _bySignal.GetValueOrDefault(signalId);

    private static bool Fits(SlotKind slot, SignalKind signal) => slot switch
    {
        SlotKind.Gauge => signal is SignalKind.Gauge or SignalKind.Real,
        SlotKind.Counter => signal is SignalKind.Counter or SignalKind.Event or SignalKind.Real,
        _ => signal is SignalKind.State,
    };
}

/// <summary>A signal's slot and scaling.</summary>
public sealed class SignalTarget(SlotLaw law, SignalDefinition signal)
{
    // A stored integer must fit an int; 2^30 leaves room for rounding.
    private const double Bound = 1 << 30;

    private readonly double _factor = signal.Kind == SignalKind.Real ? law.Scale : signal.Resolution * law.Scale;

    /// <summary>The law of the slot.</summary>
    public SlotLaw Law => law;

    /// <summary>Exact integer factor from wire integer to stored integer; 0 when the factor has a fraction and every sample is rounded on its own.</summary>
    public int WholeFactor { get; } = WholeFactorOf(signal.Kind == SignalKind.Real ? 0 : signal.Resolution * law.Scale);

    /// <summary>Least wire integer inside the profile's range.</summary>
    public long MinRaw { get; } = (long)Math.Ceiling(signal.Min / signal.Resolution);

    /// <summary>Greatest wire integer inside the profile's range.</summary>
    public long MaxRaw { get; } = (long)Math.Floor(signal.Max / signal.Resolution);

    /// <summary>Stored integer of one wire integer, rounded half away from zero, bounded.</summary>
    public int Scale(long raw) => Bounded(raw * _factor);

    /// <summary>Stored integer of one real; false for NaN, infinities and values outside the profile's range.</summary>
    public bool TryScale(double real, out int scaled)
    {
        scaled = 0;
        if (!(real >= signal.Min && real <= signal.Max)) return false;
        scaled = Bounded(real * _factor);
        return true;
    }

    private static int Bounded(double value) => (int)Math.Round(Math.Clamp(value, -Bound, Bound), MidpointRounding.AwayFromZero);

    private static int WholeFactorOf(double factor)
    {
        double whole = Math.Round(factor);
        return Math.Abs(factor - whole) < 1e-9 && whole is >= 1 and <= 1_000_000 ? (int)whole : 0;
    }
}
