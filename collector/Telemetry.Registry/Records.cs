using System.Collections.Immutable;
using System.Globalization;
using Telemetry.Wire.Profiles;

namespace Telemetry.Registry;

/// <summary>A brand. Immutable: a change makes a new record.</summary>
/// <param name="BrandKey">The collector's short name, from 1, never reused.</param>
/// <param name="Id">As in topics: [a-z0-9-]{1,32}.</param>
/// <param name="Name">For people.</param>
public sealed record BrandRecord(uint BrandKey, string Id, string Name);

/// <summary>One version of a model, unchangeable once put.</summary>
/// <param name="Brand">Brand id.</param>
/// <param name="Profile">Its signals.</param>
/// <param name="ProfileJson">The text as the brand wrote it.</param>
public sealed record ModelRecord(string Brand, ModelProfile Profile, string ProfileJson);

/// <summary>A device. Immutable: a change makes a new record, so a reader sees one whole state.</summary>
public sealed class DeviceRecord
{
    internal DeviceRecord(DeviceDescription description, bool isHub, byte[] secret)
    {
        (Description, IsHub, Secret) = (description, isHub, secret);
    }

    /// <summary>Names of the device.</summary>
    public DeviceDescription Description { get; }

    /// <summary>The collector's short name of the device, from 1, never reused.</summary>
    public uint DeviceKey => Description.DeviceKey;

    /// <summary>May relay batches of its brand's other devices.</summary>
    public bool IsHub { get; }

    /// <summary>Who had it when: in ascending time, without overlap.</summary>
    public ImmutableArray<DeviceBinding> Bindings { get; internal init; } = [];

    /// <summary>Epochs whose data was erased.</summary>
    public ImmutableArray<uint> ErasedEpochs { get; internal init; } = [];

    /// <summary>What it is told until it is told otherwise; null while it never was told anything.</summary>
    public DeviceOrders? Orders { get; internal init; }

    /// <summary>Salt and hash, <see cref="DeviceSecret.StoredBytes"/> bytes.</summary>
    internal byte[] Secret { get; }

    /// <summary>Who had the device at an instant; empty when nobody.</summary>
    public UserKey UserAt(long unixMs)
    {
        // A device changes hands a few times in its life: the newest binding is nearly always the one.
        for (int i = Bindings.Length - 1; i >= 0; i--)
        {
            if (Bindings[i].FromUnixMs <= unixMs) return unixMs < Bindings[i].ToUnixMs ? Bindings[i].User : default;
        }

        return default;
    }

    internal DeviceRecord With(ImmutableArray<DeviceBinding>? bindings = null, ImmutableArray<uint>? erasedEpochs = null) =>
        new(Description, IsHub, Secret) { Bindings = bindings ?? Bindings, ErasedEpochs = erasedEpochs ?? ErasedEpochs, Orders = Orders };

    internal DeviceRecord With(DeviceOrders? orders) => new(Description, IsHub, Secret) { Bindings = Bindings, ErasedEpochs = ErasedEpochs, Orders = orders };
}

/// <summary>A device is with a user in [<paramref name="FromUnixMs"/>, <paramref name="ToUnixMs"/>).</summary>
/// <param name="DeviceKey">Which device.</param>
/// <param name="User">With whom.</param>
/// <param name="FromUnixMs">Inclusive.</param>
/// <param name="ToUnixMs">Exclusive; <see cref="Open"/> while it lasts.</param>
public readonly record struct DeviceBinding(uint DeviceKey, UserKey User, long FromUnixMs, long ToUnixMs)
{
    /// <summary>The end of a binding that lasts.</summary>
    public const long Open = long.MaxValue;
}

/// <summary>A user. Immutable: a change makes a new record.</summary>
/// <param name="User">The key.</param>
/// <param name="UtcOffsetMinutes">Local time minus UTC, -840..840.</param>
/// <param name="Bindings">Devices, in the order bound.</param>
/// <param name="Consents">What the user said about consent.</param>
public sealed record UserRecord(UserKey User, int UtcOffsetMinutes, ImmutableArray<DeviceBinding> Bindings, ConsentHistory Consents)
{
    /// <summary>What the user said about own time, in the order said.</summary>
    public ImmutableArray<UserAnswer> Answers { get; init; } = [];
}

/// <summary>Something a user may say of a stretch of time: it was a scenario, or it was not.</summary>
/// <param name="Scenario">Which.</param>
/// <param name="Holds">It was that.</param>
public readonly record struct AnswerChoice(string Scenario, bool Holds)
{
    /// <summary>"+run": it was; "-run": it was not.</summary>
    public override string ToString() => (Holds ? "+" : "-") + Scenario;

    internal static AnswerChoice Parse(string text) => new(text[1..], text[0] == '+');
}

/// <summary>What a user is asked, or speaks of unasked.</summary>
/// <param name="User">Whom.</param>
/// <param name="DeviceKey">The device that asks; 0 = said unasked.</param>
/// <param name="FromMinute">Inclusive, whole minutes since 1970 UTC.</param>
/// <param name="ToMinute">Exclusive.</param>
/// <param name="Choices">What may be answered, 1 to 4.</param>
/// <param name="Suggested">What the stretch is named now; empty = nothing is known of it.</param>
/// <param name="ModelVersion">Of the model that named it so.</param>
public sealed record UserQuestion(UserKey User, uint DeviceKey, int FromMinute, int ToMinute, ImmutableArray<AnswerChoice> Choices, string Suggested, string ModelVersion)
{
    /// <summary>The user's, for the times in <see cref="Text"/>; not kept with the question.</summary>
    public int UtcOffsetMinutes { get; init; }

    /// <summary>What the device shows: the stretch by the user's clock, then the question. A stretch is at most a day long, so its end needs no date.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Local(FromMinute):yyyy-MM-dd HH:mm}-{Local(ToMinute):HH:mm}: {(IsYesOrNo ? $"was it {Choices[0].Scenario}?" : "what was it?")}");

    /// <summary>What the device offers, one a choice.</summary>
    public IEnumerable<string> Labels => IsYesOrNo ? ["yes", "no"] : Choices.Select(choice => choice.Scenario);

    private DateTime Local(int minute) => DateTime.UnixEpoch.AddMinutes(minute + UtcOffsetMinutes);

    private bool IsYesOrNo => Choices.Length == 2 && Choices[0].Holds && !Choices[1].Holds && Choices[0].Scenario == Choices[1].Scenario;
}

/// <summary>What a user said about a stretch of own time.</summary>
/// <param name="QuestionId">Of the question it answers.</param>
/// <param name="Question">What was asked.</param>
/// <param name="Choice">Number of the choice.</param>
/// <param name="SaidUnixMs">When; of two answers to one question the later counts.</param>
public sealed record UserAnswer(long QuestionId, UserQuestion Question, int Choice, long SaidUnixMs)
{
    /// <summary>What was said.</summary>
    public AnswerChoice Said => Question.Choices[Choice];
}

/// <summary>A device added just now, with the one sight of its secret.</summary>
/// <param name="Device">The device.</param>
/// <param name="Username">"brand/device", what it logs in with.</param>
/// <param name="Secret">160 random bits in base 32; the registry keeps only its hash.</param>
public sealed record NewCredentials(DeviceRecord Device, string Username, string Secret);

/// <summary>What changed, for those who keep something that follows from it (a device's Command, a cache).</summary>
/// <param name="Kind">What kind of change.</param>
/// <param name="DeviceKey">The device it concerns; 0 when none.</param>
/// <param name="User">The user it concerns; empty when none.</param>
public readonly record struct RegistryChange(RegistryChangeKind Kind, uint DeviceKey, UserKey User);

/// <summary>Kinds of <see cref="RegistryChange"/>.</summary>
public enum RegistryChangeKind
{
    Brand = 1,
    Model = 2,
    Device = 3,
    User = 4,
    Binding = 5,
    Consent = 6,
    ErasedEpoch = 7,
    UserErased = 8,
    Answer = 9,

    /// <summary>What a device is told.</summary>
    Orders = 10,
}
