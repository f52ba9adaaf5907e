using System.Collections.Immutable;
using Microsoft.Data.Sqlite;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;

namespace Telemetry.Registry;

// What devices are told: capture rates, a rhythm of uploads, how long batches may be, a question, what is not to be captured.
public sealed partial class DeviceRegistry
{
    private readonly HashSet<uint> _unsavedConfirmations = [];

    /// <summary>What a device is told now; null while it never was told anything. A question goes only to the user it is about; of a user who took back their consent only what tells of the device itself is captured.</summary>
    public DeviceOrders? FindOrders(uint deviceKey)
    {
        if (_devices.Find(deviceKey) is not { } device) return null;
        long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        bool isRefused = IsRefused(device, now);
        if (device.Orders is null && !isRefused) return null;
        DeviceOrders orders = device.Orders ?? DeviceOrders.None;
        if (orders.Question is { } open && device.UserAt(now) != open.Question.User) orders = orders with { Question = null };
        return isRefused ? orders with { Withdrawn = PersonalSignals(device) } : orders;
    }

    /// <summary>The versions of a device's model, the newest first.</summary>
    public IEnumerable<ModelProfile> ModelVersions(DeviceDescription device) =>
        Models(device.Brand).Where(model => model.Profile.Model == device.Model).Select(model => model.Profile).Reverse();

    /// <summary>Changes what a device is told; it hears of it at once where it is connected, else with its next connection.</summary>
    /// <returns>What stands now.</returns>
    /// <exception cref="RegistryException">NotFound: no such device. Invalid: a signal that its model does not have, or a period, rhythm or length out of its limits.</exception>
    public DeviceOrders Order(uint deviceKey, OrderChange change)
    {
        DeviceOrders orders;
        lock (_changing)
        {
            DeviceRecord device = _devices.Find(deviceKey) ?? throw new RegistryException(RegistryError.NotFound, $"There is no device {deviceKey}. Add it first.");
            DeviceOrders before = device.Orders ?? DeviceOrders.None;
            DeviceOrders kept = change.IsCleared ? DeviceOrders.None : before;
            long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            orders = new DeviceOrders
            {
                Rates = RatesAfter(device, kept.Rates, change.Rates, now),
                Upload = change.Upload is { } rhythm ? UploadOf(device, rhythm, kept.Upload, now) : kept.Upload,
                Batch = change.MaxBatchBytes is { } bytes ? BatchOf(bytes, kept.Batch, now) : kept.Batch,
                Question = kept.Question,
            };
            if (IsSame(orders, before)) return before;
            Change(() => SaveOrders(deviceKey, orders));
            ShowOrders(device, orders);
        }

        Tell(RegistryChangeKind.Orders, deviceKey);
        return orders;
    }

    /// <summary>The device said that it holds these orders. It is written with the next change of anything and at the end: a crash loses it, and the device says it again when it connects.</summary>
    /// <param name="deviceKey">Which device.</param>
    /// <param name="orders">What it holds, as <see cref="FindOrders"/> gave it; if another has taken its place since, nothing happens.</param>
    public void ConfirmOrders(uint deviceKey, DeviceOrders orders)
    {
        if (orders.ConfirmedUnixMs != 0) return;
        lock (_changing)
        {
            if (FindOrders(deviceKey) is not { } present || !IsSame(present, orders)) return;
            DeviceRecord device = _devices.Find(deviceKey)!;
            ShowOrders(device, (device.Orders ?? DeviceOrders.None) with { ConfirmedUnixMs = _clock.GetUtcNow().ToUnixTimeMilliseconds() });
            _unsavedConfirmations.Add(deviceKey);
        }
    }

    private ImmutableArray<CaptureOrder> RatesAfter(DeviceRecord device, ImmutableArray<CaptureOrder> standing, IReadOnlyList<(string Signal, int? PeriodMs)> changes, long now)
    {
        SortedDictionary<int, CaptureOrder> rates = new(standing.ToDictionary(rate => rate.Signal));
        foreach ((string key, int? periodMs) in changes)
        {
            SignalDefinition signal = SignalOf(device, key);
            if (periodMs is not { } period) rates.Remove(signal.Id);
            else if (!rates.TryGetValue(signal.Id, out CaptureOrder rate) || rate.PeriodMs != period) rates[signal.Id] = new CaptureOrder(signal.Id, Checked(signal, period), now);
        }

        return [.. rates.Values];
    }

    private SignalDefinition SignalOf(DeviceRecord device, string key)
    {
        ModelProfile[] versions = [.. ModelVersions(device.Description)];
        return versions.SelectMany(version => version.Signals).FirstOrDefault(signal => signal.Key == key)
            ?? throw Refusals.NoSignal(device.Description.Model, key, versions[0].Signals.Select(signal => signal.Key));
    }

    private static int Checked(SignalDefinition signal, int periodMs)
    {
        int least = Math.Max(1, signal.Policy.MinIntervalMs), most = signal.Policy.MaxIntervalMs > 0 ? signal.Policy.MaxIntervalMs : OrderChange.MostPeriodMs;
        return periodMs == 0 || (periodMs >= least && periodMs <= most) ? periodMs : throw new RegistryException(
            RegistryError.Invalid, $"{signal.Key} every {periodMs} ms is out of its limits; 0 (none of it) or {least}..{most} ms is expected (the profile's minIntervalMs and maxIntervalMs, else 1 ms and a day).");
    }

    // A rhythm that stands already keeps its since.
    private static UploadOrder? UploadOf(DeviceRecord device, UploadRhythm rhythm, UploadOrder? standing, long now)
    {
        if (rhythm.IntervalS == 0) return null;
        if (rhythm.IntervalS is < 1 or > OrderChange.MostIntervalS)
            throw new RegistryException(RegistryError.Invalid, $"An upload every {rhythm.IntervalS} s was asked for; 1..{OrderChange.MostIntervalS} s (a week) is expected, or 0 to take it back.");
        if (rhythm.OffsetS < 0 || rhythm.OffsetS >= rhythm.IntervalS || rhythm.SpreadS < 0 || rhythm.SpreadS > rhythm.IntervalS)
            throw new RegistryException(RegistryError.Invalid, $"The window of {rhythm.SpreadS} s from {rhythm.OffsetS} s on is not within the interval of {rhythm.IntervalS} s.");

        // Knuth's multiplicative hash: neighbouring keys come to lie far apart.
        uint own = rhythm.SpreadS == 0 ? 0 : (device.DeviceKey * 2_654_435_761u) % (uint)rhythm.SpreadS;
        UploadOrder upload = new(rhythm.IntervalS, (int)((rhythm.OffsetS + own) % rhythm.IntervalS), now);
        return standing is not null && upload == standing with { SinceUnixMs = now } ? standing : upload;
    }

    private static BatchOrder? BatchOf(int maxBytes, BatchOrder? standing, long now)
    {
        if (maxBytes == 0) return null;
        if (maxBytes is < OrderChange.LeastBatchBytes or > WireLimits.MaxBatchBytes)
            throw new RegistryException(RegistryError.Invalid, $"Batches of at most {maxBytes} B were asked for; {OrderChange.LeastBatchBytes}..{WireLimits.MaxBatchBytes} B is expected, or 0 to take it back.");
        return standing?.MaxBytes == maxBytes ? standing : new BatchOrder(maxBytes, now);
    }

    private static bool IsSame(DeviceOrders left, DeviceOrders right) =>
        left.Rates.SequenceEqual(right.Rates) && left.Upload == right.Upload && left.Batch == right.Batch && left.Question?.Id == right.Question?.Id && left.Withdrawn.SequenceEqual(right.Withdrawn);

    private bool IsRefused(DeviceRecord device, long unixMs) =>
        _users.TryGetValue(device.UserAt(unixMs), out UserRecord? user) && user.Consents.IsRefused(device.Description.Brand, unixMs);

    private ImmutableArray<int> PersonalSignals(DeviceRecord device) =>
    [
        .. ModelVersions(device.Description).SelectMany(version => version.Signals).Where(signal => signal.Privacy != PrivacyClass.Device).Select(signal => signal.Id).Distinct().Order(),
    ];

    // Devices whose capture ends or begins again have something new to confirm. They keep a row from now on, so that an empty Command takes the place of the last one.
    private int SaveUnconfirmed(IEnumerable<DeviceRecord> devices) => devices.Sum(device => SaveOrders(device.DeviceKey, Unconfirmed(device)));

    private void ShowUnconfirmed(IEnumerable<DeviceRecord> devices)
    {
        foreach (DeviceRecord device in devices) ShowOrders(_devices.Find(device.DeviceKey)!, Unconfirmed(device));
    }

    private static DeviceOrders Unconfirmed(DeviceRecord device) => (device.Orders ?? DeviceOrders.None) with { ConfirmedUnixMs = 0 };

    // What stands may say something of the user: a question does, and whatever was ordered while the device was theirs.
    private bool IsToldFor(DeviceRecord device, UserKey user) =>
        device.Orders is { } orders && (orders.Question?.Question.User == user || device.UserAt(_clock.GetUtcNow().ToUnixTimeMilliseconds()) == user);

    private int SaveOrders(uint deviceKey, DeviceOrders orders)
    {
        Run("DELETE FROM capture_orders WHERE device_key = ?1", (long)deviceKey);
        foreach (CaptureOrder rate in orders.Rates) Run("INSERT INTO capture_orders VALUES(?1, ?2, ?3, ?4)", (long)deviceKey, (long)rate.Signal, (long)rate.PeriodMs, rate.SinceUnixMs);
        return Run(
            "INSERT OR REPLACE INTO orders VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", (long)deviceKey,
            (long)(orders.Upload?.IntervalS ?? 0), (long)(orders.Upload?.OffsetS ?? 0), orders.Upload?.SinceUnixMs ?? 0,
            orders.Question?.Id ?? 0, (long)(orders.Question?.AnswerSignal ?? 0), orders.Question?.SinceUnixMs ?? 0, orders.ConfirmedUnixMs,
            (long)(orders.Batch?.MaxBytes ?? 0), orders.Batch?.SinceUnixMs ?? 0);
    }

    private void SaveConfirmations()
    {
        foreach (uint deviceKey in _unsavedConfirmations)
            Run("UPDATE orders SET confirmed_unix_ms = ?2 WHERE device_key = ?1", (long)deviceKey, _devices.Find(deviceKey)!.Orders?.ConfirmedUnixMs ?? 0);
    }

    private void ShowOrders(DeviceRecord device, DeviceOrders? orders) => Show(_brands[device.Description.Brand], device.With(orders));

    private Dictionary<uint, DeviceOrders> LoadOrders()
    {
        ILookup<uint, CaptureOrder> rates = Select(
            "SELECT device_key, signal, period_ms, since_unix_ms FROM capture_orders ORDER BY device_key, signal",
            row => ((uint)row.GetInt64(0), new CaptureOrder(row.GetInt32(1), row.GetInt32(2), row.GetInt64(3)))).ToLookup(pair => pair.Item1, pair => pair.Item2);
        Dictionary<long, UserQuestion> questions = Select(
            $"SELECT {QuestionColumns} FROM questions WHERE question_id IN (SELECT question_id FROM orders)", ReadQuestion).ToDictionary(asked => asked.QuestionId, asked => asked.Question);
        return Select(
            """
            SELECT device_key, upload_interval_s, upload_offset_s, upload_since_unix_ms, question_id, question_signal, question_since_unix_ms, confirmed_unix_ms,
              batch_max_bytes, batch_since_unix_ms FROM orders
            """,
            row => ((uint)row.GetInt64(0), Orders: ReadOrders(row, questions) with { Rates = [.. rates[(uint)row.GetInt64(0)]] })).ToDictionary(pair => pair.Item1, pair => pair.Orders);
    }

    private static DeviceOrders ReadOrders(SqliteDataReader row, Dictionary<long, UserQuestion> questions) => new()
    {
        Upload = row.GetInt32(1) == 0 ? null : new UploadOrder(row.GetInt32(1), row.GetInt32(2), row.GetInt64(3)),
        Batch = row.GetInt32(8) == 0 ? null : new BatchOrder(row.GetInt32(8), row.GetInt64(9)),
        Question = questions.TryGetValue(row.GetInt64(4), out UserQuestion? question) ? new OpenQuestion(row.GetInt64(4), question, row.GetInt32(5), row.GetInt64(6)) : null,
        ConfirmedUnixMs = row.GetInt64(7),
    };
}
