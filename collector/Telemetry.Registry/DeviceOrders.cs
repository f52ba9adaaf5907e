using System.Collections.Immutable;
using Telemetry.Wire.V1;

namespace Telemetry.Registry;

/// <summary>What a device is told until it is told otherwise. Immutable: a change makes a new record.</summary>
public sealed record DeviceOrders
{
    /// <summary>Nothing is asked of the device that its profile does not say.</summary>
    public static readonly DeviceOrders None = new();

    /// <summary>Signals with another period than the profile's, by ascending id.</summary>
    public ImmutableArray<CaptureOrder> Rates { get; init; } = [];

    /// <summary>When it uploads; null = as its firmware is set.</summary>
    public UploadOrder? Upload { get; init; }

    /// <summary>How long its batches may be; null = as its firmware is set.</summary>
    public BatchOrder? Batch { get; init; }

    /// <summary>What it asks its user; null = nothing.</summary>
    public OpenQuestion? Question { get; init; }

    /// <summary>Signals that are not captured, by ascending id, because the user the device is with took back their consent; follows from bindings and consents, and is not kept.</summary>
    public ImmutableArray<int> Withdrawn { get; init; } = [];

    /// <summary>When the device first said that it holds all of this; 0 = not yet, or it speaks a protocol that has no word for it.</summary>
    public long ConfirmedUnixMs { get; init; }

    /// <summary>Puts the orders into a Command.</summary>
    public void AddTo(Command command)
    {
        foreach (CaptureOrder rate in Rates) command.CaptureRates.Add(new CaptureRate { Signal = (uint)rate.Signal, PeriodMs = (uint)rate.PeriodMs });
        if (Batch is { } batch) command.MaxBatchBytes = (uint)batch.MaxBytes;
        if (Upload is { } upload) command.UploadWindow = new UploadWindow { IntervalS = (uint)upload.IntervalS, OffsetS = (uint)upload.OffsetS };
        foreach (int signal in Withdrawn) command.WithdrawnSignals.Add((uint)signal);
        if (Question is { } open) command.Question = open.ToMessage();
    }

    /// <summary>Whether a Command carries these orders and no others.</summary>
    public bool AreIn(Command command)
    {
        Command mine = new();
        AddTo(mine);
        return mine.CaptureRates.Equals(command.CaptureRates) && Equals(mine.UploadWindow, command.UploadWindow) && Equals(mine.Question, command.Question)
            && mine.WithdrawnSignals.Equals(command.WithdrawnSignals) && mine.MaxBatchBytes == command.MaxBatchBytes;
    }
}

/// <summary>A signal is captured at another rate than the profile's.</summary>
/// <param name="Signal">Id.</param>
/// <param name="PeriodMs">At most one sample in this time; 0 = none.</param>
/// <param name="SinceUnixMs">When it was ordered.</param>
public readonly record struct CaptureOrder(int Signal, int PeriodMs, long SinceUnixMs);

/// <summary>Uploads follow a rhythm.</summary>
/// <param name="IntervalS">At most one upload in so many seconds, 1..<see cref="OrderChange.MostIntervalS"/>.</param>
/// <param name="OffsetS">The device's own place within the interval, from 0; intervals count from 1970 UTC.</param>
/// <param name="SinceUnixMs">When it was ordered.</param>
public sealed record UploadOrder(int IntervalS, int OffsetS, long SinceUnixMs);

/// <summary>Batches are kept short, for a link that loses or refuses long ones.</summary>
/// <param name="MaxBytes">The longest batch, <see cref="OrderChange.LeastBatchBytes"/> to a whole one; blocks stay below it as well, from some 330 bytes on (device/README.md, "Longest batch").</param>
/// <param name="SinceUnixMs">When it was ordered.</param>
public sealed record BatchOrder(int MaxBytes, long SinceUnixMs);

/// <summary>A question that waits for its answer.</summary>
/// <param name="Id">Of the question.</param>
/// <param name="Question">What is asked, and whom.</param>
/// <param name="AnswerSignal">Id of the event signal that carries the answer.</param>
/// <param name="SinceUnixMs">When it was asked.</param>
public sealed record OpenQuestion(long Id, UserQuestion Question, int AnswerSignal, long SinceUnixMs)
{
    /// <summary>As a Command carries it.</summary>
    public Question ToMessage() => new() { Id = (uint)Id, Text = Question.Text, Answers = { Question.Labels }, AnswerSignal = (uint)AnswerSignal };
}

/// <summary>A change of what a device is told.</summary>
public sealed record OrderChange
{
    /// <summary>A day: a signal wanted more seldom is better stopped.</summary>
    public const int MostPeriodMs = 86_400_000;

    /// <summary>A week; devices believe no longer one.</summary>
    public const int MostIntervalS = 604_800;

    /// <summary>Below this even one block of a minute is longer, and the head of each batch weighs more than its samples.</summary>
    public const int LeastBatchBytes = 256;

    /// <summary>First takes back all that stands, the question too.</summary>
    public bool IsCleared { get; init; }

    /// <summary>Signals by key: their period, 0 = none of it, null = as the profile says again.</summary>
    public IReadOnlyList<(string Signal, int? PeriodMs)> Rates { get; init; } = [];

    /// <summary>In place of the rhythm that stands; null leaves that as it is.</summary>
    public UploadRhythm? Upload { get; init; }

    /// <summary>In place of the longest batch that stands, in bytes; 0 = as the firmware is set again, null leaves it as it is.</summary>
    public int? MaxBatchBytes { get; init; }
}

/// <summary>A rhythm of uploads for any number of devices: each gets an instant of its own, so that a fleet spreads.</summary>
/// <param name="IntervalS">At most one upload in so many seconds; 0 = as the firmware is set again.</param>
/// <param name="OffsetS">Where the window within the interval begins.</param>
/// <param name="SpreadS">How long it is; 0 = the instant itself.</param>
public readonly record struct UploadRhythm(int IntervalS, int OffsetS, int SpreadS);
