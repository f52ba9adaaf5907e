using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Data.Sqlite;
using Telemetry.Registry.Storage;
using Telemetry.Wire.Profiles;

namespace Telemetry.Registry;

/// <summary>
/// Who sends, what it means, whose it is and what may be done with it: brands, models, devices, users, bindings, consent.
/// SQLite on disk; everything also in memory as immutable records, so that what ingest asks never waits.
/// </summary>
/// <remarks>
/// Thread-safe. Reads take no lock and allocate nothing. A change is flushed to disk, then visible, then told by <see cref="Changed"/>.
/// About 400 bytes of memory a device.
/// </remarks>
public sealed partial class DeviceRegistry : IDeviceCatalog, IDisposable
{
    // Some twenty tables and indexes, most with a few short rows where a fleet is of hundreds: each takes a page at least.
    private const int PageBytes = 1024;

    private readonly Lock _changing = new();
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _clock;
    private readonly DeviceTable _devices = new();
    private readonly ConcurrentDictionary<string, BrandEntry> _brands = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<UserKey, UserRecord> _users = new();
    private SqliteTransaction? _transaction;
    private int _deviceCount;

    private DeviceRegistry(string path, TimeProvider clock)
    {
        _clock = clock;
        // FULL: a credential that was shown, or a consent that was withdrawn, must survive a power cut.
        _connection = SqliteFile.Open(path, "FULL", RegistrySchema.Migrations, PageBytes);
        Load();
    }

    /// <summary>Runs after a change is durable and visible, on the changing thread. Handlers must not block and must not throw.</summary>
    public event Action<RegistryChange>? Changed;

    /// <summary>How many devices there are.</summary>
    public int DeviceCount => Volatile.Read(ref _deviceCount);

    /// <summary>Opens or creates the file; its folder must exist.</summary>
    /// <exception cref="RegistryException">The file is damaged, or of a newer program.</exception>
    public static DeviceRegistry Open(string path, TimeProvider clock) => new(path, clock);

    /// <summary>Checks a device's credentials. Takes the same time for an unknown device as for a wrong secret.</summary>
    /// <param name="username">"brand/device".</param>
    /// <param name="secret">UTF-8.</param>
    /// <returns>The device, or null when the credentials are wrong, never saying which part.</returns>
    public DeviceRecord? Authenticate(ReadOnlySpan<char> username, ReadOnlySpan<byte> secret)
    {
        DeviceRecord? device = FindDevice(username);
        return DeviceSecret.Matches(device?.Secret, secret) ? device : null;
    }

    /// <summary>The device with this username, "brand/device", or null.</summary>
    public DeviceRecord? FindDevice(ReadOnlySpan<char> username)
    {
        int slash = username.IndexOf('/');
        return slash < 0 ? null : FindDevice(username[..slash], username[(slash + 1)..]);
    }

    /// <summary>The device of a brand, or null.</summary>
    public DeviceRecord? FindDevice(ReadOnlySpan<char> brand, ReadOnlySpan<char> device) =>
        _brands.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(brand, out BrandEntry? entry)
        && entry.Devices.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(device, out DeviceRecord? found) ? found : null;

    /// <summary>The whole record of a device, or null.</summary>
    public DeviceRecord? FindRecord(uint deviceKey) => _devices.Find(deviceKey);

    /// <inheritdoc/>
    public DeviceDescription? FindDevice(uint deviceKey) => _devices.Find(deviceKey)?.Description;

    /// <inheritdoc/>
    public ModelProfile? FindProfile(uint deviceKey, uint profileHash) =>
        _devices.Find(deviceKey) is { } device && _brands.TryGetValue(device.Description.Brand, out BrandEntry? brand)
        && brand.Models.TryGetValue(profileHash, out ModelRecord? model) ? model.Profile : null;

    /// <summary>Whether a device's epoch was erased: its batches are refused (promise 8).</summary>
    public bool IsErasedEpoch(uint deviceKey, uint epoch) => _devices.Find(deviceKey) is { } device && device.ErasedEpochs.Contains(epoch);

    /// <summary>Who had a device at an instant; empty when nobody or the device is unknown.</summary>
    public UserKey UserAt(uint deviceKey, long unixMs) => _devices.Find(deviceKey)?.UserAt(unixMs) ?? default;

    /// <summary>The user, or null.</summary>
    public UserRecord? FindUser(UserKey user) => _users.GetValueOrDefault(user);

    /// <summary>Whether a user's consent holds for samples of an instant; false for an unknown user.</summary>
    public bool HasConsent(UserKey user, ConsentPurpose purpose, string recipient, long unixMs) =>
        _users.TryGetValue(user, out UserRecord? record) && record.Consents.Holds(purpose, recipient, unixMs);

    /// <summary>The brand, or null.</summary>
    public BrandRecord? FindBrand(string brand) => _brands.TryGetValue(brand, out BrandEntry? entry) ? entry.Record : null;

    /// <summary>Every user there is, in no order.</summary>
    public IEnumerable<UserRecord> Users() => _users.Select(user => user.Value);

    /// <summary>Closes the file. Nothing may be in use.</summary>
    public void Dispose()
    {
        lock (_changing)
        {
            if (_unsavedConfirmations.Count > 0) Change(() => 0);
            _connection.Dispose();
        }
    }

    // Every change: check against memory, write and flush, then swap the records. Readers never see what could still fail.
    private T Change<T>(Func<T> write)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        _transaction = transaction;
        try
        {
            T result = write();
            SaveConfirmations();
            transaction.Commit();
            _unsavedConfirmations.Clear();
            return result;
        }
        finally
        {
            _transaction = null;
        }
    }

    private int Run(string sql, params ReadOnlySpan<object> values)
    {
        using Statement statement = Prepare(sql, values.Length);
        return statement.Run(values);
    }

    private Statement Prepare(string sql, int parameters) => new(_connection, sql, parameters) { TransactionOf = () => _transaction };

    private List<T> Select<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object> values)
    {
        using Statement statement = Prepare(sql, values.Length);
        using SqliteDataReader rows = statement.Read(values);
        List<T> list = [];
        while (rows.Read()) list.Add(read(rows));
        return list;
    }

    private void Tell(RegistryChangeKind kind, uint deviceKey = 0, UserKey user = default) => Changed?.Invoke(new RegistryChange(kind, deviceKey, user));

    private void Load()
    {
        Dictionary<uint, BrandEntry> brands = [];
        Select("SELECT brand_key, id, name FROM brands", row => new BrandEntry(new BrandRecord((uint)row.GetInt64(0), row.GetString(1), row.GetString(2))))
            .ForEach(brand => brands[brand.Record.BrandKey] = _brands[brand.Record.Id] = brand);
        foreach ((uint brandKey, string json) in Select("SELECT brand_key, profile FROM models", row => ((uint)row.GetInt64(0), row.GetString(1))))
        {
            ModelProfile profile = ProfileReader.Read(System.Text.Encoding.UTF8.GetBytes(json)).Profile
                ?? throw new RegistryException(RegistryError.Invalid, $"A stored profile of brand {brands[brandKey].Record.Id} no longer reads. Restore registry.db from a backup.");
            brands[brandKey].Models[profile.Hash] = new ModelRecord(brands[brandKey].Record.Id, profile, json);
        }

        ILookup<uint, DeviceBinding> bindings = Select(
            "SELECT device_key, user, from_unix_ms, to_unix_ms FROM bindings ORDER BY device_key, from_unix_ms",
            row => new DeviceBinding((uint)row.GetInt64(0), UserKey.Parse(row.GetString(1)), row.GetInt64(2), row.GetInt64(3))).ToLookup(binding => binding.DeviceKey);
        ILookup<uint, uint> erased = Select("SELECT device_key, epoch FROM erased_epochs", row => ((uint)row.GetInt64(0), (uint)row.GetInt64(1)))
            .ToLookup(pair => pair.Item1, pair => pair.Item2);
        LoadDevices(brands, bindings, erased, LoadOrders());
        LoadUsers(bindings.SelectMany(group => group).ToLookup(binding => binding.User));
    }

    private void LoadDevices(Dictionary<uint, BrandEntry> brands, ILookup<uint, DeviceBinding> bindings, ILookup<uint, uint> erased, Dictionary<uint, DeviceOrders> orders)
    {
        Dictionary<string, string> models = new(StringComparer.Ordinal); // one string a model, however many devices
        using Statement statement = Prepare("SELECT device_key, brand_key, id, model, hub, secret FROM devices ORDER BY device_key", 0);
        using SqliteDataReader rows = statement.Read();
        while (rows.Read())
        {
            BrandEntry brand = brands[(uint)rows.GetInt64(1)];
            string model = rows.GetString(3);
            if (!models.TryAdd(model, model)) model = models[model];
            DeviceDescription description = new((uint)rows.GetInt64(0), brand.Record.BrandKey, brand.Record.Id, rows.GetString(2), model);
            Show(brand, new DeviceRecord(description, rows.GetInt64(4) != 0, rows.GetFieldValue<byte[]>(5))
            {
                Bindings = [.. bindings[description.DeviceKey]],
                ErasedEpochs = [.. erased[description.DeviceKey]],
                Orders = orders.GetValueOrDefault(description.DeviceKey),
            });
            _deviceCount++;
        }
    }

    private void LoadUsers(ILookup<UserKey, DeviceBinding> bindings)
    {
        Dictionary<UserKey, ConsentHistory> consents = [];
        foreach ((UserKey user, ConsentEntry entry) in Select(
            "SELECT user, purpose, recipient, granted, from_unix_ms FROM consents ORDER BY consent_id",
            row => (UserKey.Parse(row.GetString(0)), new ConsentEntry((ConsentPurpose)row.GetInt32(1), row.GetString(2), row.GetInt64(3) != 0, row.GetInt64(4)))))
        {
            consents[user] = consents.GetValueOrDefault(user, ConsentHistory.Empty).Add(entry);
        }

        foreach ((UserKey user, int offset) in Select("SELECT user, utc_offset_minutes FROM users", row => (UserKey.Parse(row.GetString(0)), row.GetInt32(1))))
        {
            _users[user] = new UserRecord(user, offset, [.. bindings[user]], consents.GetValueOrDefault(user, ConsentHistory.Empty));
        }

        LoadAnswers();
    }

    // The order matters to a reader that looks a name up and then the key: the key is there first.
    private void Show(BrandEntry brand, DeviceRecord device)
    {
        _devices.Set(device);
        brand.Devices[device.Description.Device] = device;
    }
}
