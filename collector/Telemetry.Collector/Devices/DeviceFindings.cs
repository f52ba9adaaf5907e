using System.Globalization;
using Telemetry.Ingest;
using Telemetry.Ingest.Sequences;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;
using DeadLetter = Telemetry.Ingest.DeadLetters.DeadLetter;

namespace Telemetry.Collector.Devices;

/// <summary>The rules of <c>telemetry device check</c>: each says what was found, what is expected and what to do.</summary>
/// <param name="device">Whose.</param>
/// <param name="orders">What the device is told now: what follows from that is no finding.</param>
internal sealed class DeviceFindings(DeviceDescription device, DeviceOrders orders)
{
    // What the SDK keeps to by default (device/README.md): 288 uploads a day. A tenth more is no finding.
    private const double MostUploadsADay = 288 * 1.1;
    private const long HourMs = 3_600_000;
    private const long MostAheadMs = 60_000;
    private const uint MostErrorMs = 5_000;
    private const double MostBytesASample = 8;
    private const double MostPeriodRatio = 1.5;

    private readonly List<DeviceFinding> _findings = [];

    /// <summary>Faults before warnings.</summary>
    public IEnumerable<DeviceFinding> InOrder => _findings.OrderBy(finding => finding.Kind);

    /// <summary>Judges who could not come in.</summary>
    public void JudgeLogins(RefusedLogins refused)
    {
        if (refused.Count == 0) return;
        string last = DateTimeOffset.FromUnixTimeMilliseconds(refused.LastUnixMs).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        Fault("secret", $"{Count(refused.Count, "login")} refused since the last that was right, the newest at {last}: the secret was not the one that `telemetry device add` printed.");
    }

    /// <summary>Judges what is stored.</summary>
    public void Judge(DeviceHistory history)
    {
        if (history.Batches == 0)
        {
            Fault("batches", $"Nothing is stored of this device. It connects as '{device.Brand}/{device.Device}' with the secret it was given and publishes at QoS 1 to {Topics.Up(device.Brand, device.Device)}.");
            return;
        }

        JudgeClock(history);
        JudgeSpool(history);
        JudgeUploads(history);
        foreach ((int id, SignalHistory signal) in history.Signals.Where(signal => signal.Value.Unnamed > 0))
            Fault($"signal {id}", $"{Count(signal.Unnamed, "value")} of an id that the profile named in the batch does not have. Nobody can name them; put the signal into the profile and raise its version.");
        foreach (SignalDefinition signal in history.Profile?.Signals ?? []) JudgeSignal(signal, history.Signals.GetValueOrDefault(signal.Id), history);
        foreach (((int id, int reason), long count) in history.Losses) JudgeLoss(id, history.Profile?.Find(id)?.Key ?? (id == 0 ? "batches" : $"signal {id}"), (LossReason)reason, count);
    }

    /// <summary>Judges what is ordered and cannot be told: a device that does not say how long a Command it reads is told no more than every device reads.</summary>
    public void JudgeOrders()
    {
        Command command = new();
        orders.AddTo(command);
        int room = WireLimits.MaxUntoldCommandBytes - WireLimits.CommandHeadBytes, bytes = command.CalculateSize();
        if (orders.ConfirmedUnixMs == 0 && bytes > room)
            Warn("orders", $"What is ordered takes {bytes} B of a Command; over MQTT 3.1.1, or behind a broker, {room} B are told and the last capture rates are not. Order less, or let the device speak MQTT 5 and read longer Commands (CommandBytes).");
    }

    /// <summary>Judges what never came.</summary>
    public void JudgeMissing(IReadOnlyList<MissingSeqs> missing)
    {
        if (missing.Count == 0) return;
        ulong batches = missing.Aggregate(0UL, (sum, one) => sum + one.Gap.Last - one.Gap.First + 1);
        (_, uint epoch, SeqGap first) = missing[0];
        Fault("batches", $"{Count((long)batches, "batch", "batches")} never came, though later ones did: epoch {epoch:x8}, seq {first.First} to {first.Last}{(missing.Count > 1 ? " and others" : "")}. "
            + "They are asked for on the down topic (resend); the spool may let a batch go only once its own PUBACK is there.");
    }

    /// <summary>Judges what could not be understood.</summary>
    public void JudgeLetters(IEnumerable<DeadLetter> letters)
    {
        foreach (IGrouping<RefusalReason, DeadLetter> group in letters.GroupBy(letter => letter.Reason).OrderBy(group => group.Key))
        {
            Fault("dead letters", $"{Count(group.Count(), "batch", "batches")} kept as {group.Key}: " + group.Key switch
            {
                RefusalReason.Malformed => "the bytes break proto/WIRE.md (field order, a limit inside a block, or cut short). Its vectors show each case.",
                RefusalReason.ChecksumMismatch => "crc32c is not that of the bytes before it: cut or changed on the way, or computed over other bytes than proto/WIRE.md says.",
                RefusalReason.UnknownProfile => $"the brand has no profile of the hash they name. `telemetry model add {device.Brand} FILE` with the firmware's own profile, then `telemetry deadletters replay`.",
                RefusalReason.UnsupportedVersion => "a block of a version this collector does not know; it is older than the firmware.",
                _ => "a limit of proto/WIRE.md is passed.",
            });
        }
    }

    private void JudgeClock(DeviceHistory history)
    {
        if (history.BatchesWithoutTime > 0)
            Warn("clock", $"{Count(history.BatchesWithoutTime, "batch", "batches")} of boots in which the device never knew the time: they stand where they were received. The Command on the down topic has the server's time; subscribe to it.");
        if (history.MostAheadMs > MostAheadMs)
            Fault("clock", $"The device's clock was up to {Length(history.MostAheadMs)} ahead of the collector's. Batches more than a day ahead are not derived; set the clock from the Command's server time.");
        if (history.WorstErrorMs > MostErrorMs)
            Warn("clock", $"Its own bound on the clock's error reaches {Length(history.WorstErrorMs)}; {Length(MostErrorMs)} or less tells a minute for sure.");
    }

    private void JudgeSpool(DeviceHistory history)
    {
        if (history.Boots.Count > 1)
            Warn("spool", $"{history.Boots.Count} epochs: the spool began anew {Count(history.Boots.Count - 1, "time")}. That is right after a factory reset or an erasure, and a lost spool otherwise.");
        long receivedForMs = history.LastReceivedUnixMs - history.FirstReceivedUnixMs;
        long boots = history.Boots.Values.Sum(count => (long)count);
        if (receivedForMs >= HourMs && boots > 10 && boots > 10 * receivedForMs / (24.0 * HourMs))
            Warn("spool", $"{boots:n0} boots in {Length(receivedForMs)}: more than ten a day. sdk_boot says why the device restarts.");
    }

    private void JudgeUploads(DeviceHistory history)
    {
        long receivedForMs = history.LastReceivedUnixMs - history.FirstReceivedUnixMs;
        double uploadsADay = history.Uploads * 24.0 * HourMs / Math.Max(receivedForMs, 1);
        if (receivedForMs >= HourMs && uploadsADay > MostUploadsADay)
            Warn("uploads", string.Create(CultureInfo.InvariantCulture, $"{uploadsADay:n0} uploads a day; the SDK's default keeps to 288. Each wakes the radio: let more gather between two."));
        if (history.Batches > 3 && history.Bytes > MostBytesASample * history.Samples)
            Warn("uploads", string.Create(CultureInfo.InvariantCulture, $"{(double)history.Bytes / Math.Max(history.Samples, 1):0.0} bytes a sample, {(double)history.Samples / history.Batches:0.0} samples a batch; packed blocks of 60 rows take less than 1. Let more gather in a batch."));
    }

    private void JudgeSignal(SignalDefinition signal, SignalHistory? seen, DeviceHistory history)
    {
        CaptureOrder? order = OrderOf(signal.Id);
        int periodMs = order?.PeriodMs ?? signal.PeriodMs;
        if (seen is null)
        {
            if (signal.PeriodMs > 0 && periodMs > 0 && !orders.Withdrawn.Contains(signal.Id)) Warn(signal.Key, $"No value came, though the profile says one every {Length(signal.PeriodMs)}.");
            return;
        }

        if (seen.Outside > 0)
            Fault(signal.Key, string.Create(CultureInfo.InvariantCulture, $"{Count(seen.Outside, "value")} outside {signal.Min} to {signal.Max} {signal.Unit}; {seen.Min} to {seen.Max} came. Scale the value by the profile's resolution ({signal.Resolution}), or widen the profile in a new version."));
        // With a policy that leaves out what says nothing new, the period is the sensor's, not the samples'.
        bool isEverySampleKept = signal.Policy is { Deadband: null, MinIntervalMs: 0 };
        bool isOneRate = order is not { } ordered || ordered.SinceUnixMs <= history.FirstReceivedUnixMs; // what came before an order followed the profile
        if (periodMs > 0 && signal.PeriodMs > 0 && isEverySampleKept && isOneRate && seen.PeriodMs > 0 && Math.Max(seen.PeriodMs, periodMs) > MostPeriodRatio * Math.Min(seen.PeriodMs, periodMs))
            Warn(signal.Key, $"A value every {Length(seen.PeriodMs)}, every {Length(periodMs)} {(order is null ? "in the profile" : "as ordered")}{(order is null && history.Losses.Keys.Any(loss => loss.Signal == signal.Id) ? "; some were dropped, see below" : "")}.");
    }

    private CaptureOrder? OrderOf(int signal)
    {
        foreach (CaptureOrder order in orders.Rates)
        {
            if (order.Signal == signal) return order;
        }

        return null;
    }

    private void JudgeLoss(int signal, string subject, LossReason reason, long count)
    {
        string values = Count(count, "value");
        switch (reason)
        {
            case LossReason.RingFull: Fault(subject, $"{values} dropped: recorded faster than packed. Give the client's thread its turn, or a larger ring."); break;
            case LossReason.SpoolEvicted: Fault(subject, $"{values} evicted: the spool was full before they could be sent. Give it more pages, upload more often, or record less."); break;
            case LossReason.SpoolDamaged: Fault(subject, $"{values} lost to stored batches that failed their check. Look at the flash driver: a page is written whole, in order, and never twice without an erase."); break;
            case LossReason.OutOfRange: Fault(subject, $"{values} refused by the SDK: not between the profile's least and greatest."); break;
            case LossReason.TooLarge: Fault(subject, $"{values} in batches the collector's limit refused."); break;
            case LossReason.RateLimited when OrderOf(signal) is not null: break; // as the operator wished
            case LossReason.RateLimited: Warn(subject, $"{values} dropped by the signal's own policy: recorded more often than it allows."); break;
            case LossReason.Thinned: Warn(subject, $"{values} thinned: the spool was nearly full."); break;
            case LossReason.Consent or LossReason.Erased: break; // as the user wished
            default: Warn(subject, $"{values} dropped for reason {(int)reason}, which this collector does not know."); break;
        }
    }

    private void Fault(string subject, string text) => _findings.Add(new DeviceFinding { Kind = DeviceFindingKind.Fault, Subject = subject, Text = text });

    private void Warn(string subject, string text) => _findings.Add(new DeviceFinding { Kind = DeviceFindingKind.Warning, Subject = subject, Text = text });

    private static string Count(long count, string one, string? many = null) => string.Create(CultureInfo.InvariantCulture, $"{count:n0} {(count == 1 ? one : many ?? one + "s")}");

    private static string Length(long ms) => string.Create(CultureInfo.InvariantCulture, $"{ms switch { < 1_000 => $"{ms} ms", < 120_000 => $"{ms / 1000.0:0.##} s", < 2 * HourMs => $"{ms / 60_000.0:0.#} min", < 48 * HourMs => $"{ms / (double)HourMs:0.#} h", _ => $"{ms / (24.0 * HourMs):0.#} days" }}");
}
