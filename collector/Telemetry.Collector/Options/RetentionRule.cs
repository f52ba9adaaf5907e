namespace Telemetry.Collector.Options;

/// <summary>Batches of matching devices go some days after their receipt. Every condition given must hold; of all rules that match a device the shortest counts.</summary>
/// <remarks>In the file of <c>--config</c>: <c>"retention": [{"privacy": "health", "days": 90}, {"withoutConsent": true, "days": 2}]</c>.</remarks>
public sealed record RetentionRule
{
    /// <summary>Only devices of this brand.</summary>
    public string? Brand { get; init; }

    /// <summary>Only devices whose model has a signal of this privacy class: device, ambient, activity or health. A batch goes as a whole, by its strictest signal.</summary>
    public string? Privacy { get; init; }

    /// <summary>Only devices that are with nobody now, or with a user who consents to nothing.</summary>
    public bool WithoutConsent { get; init; }

    /// <summary>Days from receipt, above 0.</summary>
    public required double Days { get; init; }

    internal void Check()
    {
        if (!(Days > 0 && Days <= 36_500)) throw new OptionsException("retention", $"{Days} days", "more than 0 and at most 36,500 days");
        if (Brand is "") throw new OptionsException("retention.brand", "nothing", "a brand's id, or no brand for all of them");
        if (Privacy is not (null or "device" or "ambient" or "activity" or "health")) throw new OptionsException("retention.privacy", $"'{Privacy}'", "device, ambient, activity or health");
    }
}
