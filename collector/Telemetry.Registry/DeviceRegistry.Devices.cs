using System.Globalization;
using Telemetry.Registry.Storage;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;

namespace Telemetry.Registry;

/// <summary>A device to add.</summary>
/// <param name="Brand">An existing brand.</param>
/// <param name="Device">Its id, [a-zA-Z0-9_-]{1,64}; empty = the registry draws one.</param>
/// <param name="Model">An existing model of the brand.</param>
/// <param name="IsHub">May relay batches of its brand's other devices.</param>
public sealed record NewDevice(string Brand, string Device, string Model, bool IsHub = false);

// Brands, models, devices.
public sealed partial class DeviceRegistry
{
    /// <summary>Adds a brand or renames it.</summary>
    /// <exception cref="RegistryException">Invalid: the id or name breaks its rules.</exception>
    public BrandRecord PutBrand(string id, string name)
    {
        if (!Topics.IsBrandId(id)) throw Refusals.BrandId(id);
        if (name.Length > 200) throw new RegistryException(RegistryError.Invalid, $"The brand's name has {name.Length} characters; at most 200 are expected.");
        if (name.Length == 0) name = id;
        BrandRecord record;
        lock (_changing)
        {
            if (_brands.TryGetValue(id, out BrandEntry? entry) && entry.Record.Name == name) return entry.Record;
            uint key = Change(() => (uint)Select(
                "INSERT INTO brands(id, name) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET name = excluded.name RETURNING brand_key", row => row.GetInt64(0), id, name)[0]);
            record = new BrandRecord(key, id, name);
            if (entry is null) _brands[id] = new BrandEntry(record);
            else entry.Record = record;
        }

        Tell(RegistryChangeKind.Brand);
        return record;
    }

    /// <summary>Adds a version of a model. Putting the same again changes nothing.</summary>
    /// <exception cref="RegistryException">NotFound: no such brand. Invalid: the profile has faults, all of which the text names.
    /// Conflict: the version is there with other content, or a signal id had another meaning in an earlier version.</exception>
    public ModelRecord PutModel(string brand, string profileJson)
    {
        ProfileReadResult read = ProfileReader.Read(System.Text.Encoding.UTF8.GetBytes(profileJson));
        if (!read.IsValid) throw Refusals.Profile(read.Faults);
        ModelRecord model = new(brand, read.Profile, profileJson);
        lock (_changing)
        {
            BrandEntry entry = Brand(brand);
            if (entry.Models.TryGetValue(read.Profile.Hash, out ModelRecord? same) && same.Profile.Model == read.Profile.Model && same.Profile.Version == read.Profile.Version) return same;
            CheckAgainstOthers(entry, read.Profile);
            Change(() => Run(
                "INSERT INTO models(brand_key, id, version, hash, profile) VALUES(?1, ?2, ?3, ?4, ?5)",
                (long)entry.Record.BrandKey, read.Profile.Model, read.Profile.Version, (long)read.Profile.Hash, profileJson));
            entry.Models[read.Profile.Hash] = model;
        }

        Tell(RegistryChangeKind.Model);
        return model;
    }

    /// <summary>Every version of the models of a brand (all brands when empty), by brand, model, version.</summary>
    public IReadOnlyList<ModelRecord> Models(string brand = "") =>
        [.. _brands.Values.Where(entry => brand.Length == 0 || entry.Record.Id == brand).SelectMany(entry => entry.Models.Values)
            .OrderBy(model => model.Brand, StringComparer.Ordinal).ThenBy(model => model.Profile.Model, StringComparer.Ordinal).ThenBy(model => model.Profile.Version)];

    /// <summary>Every brand, by id.</summary>
    public IReadOnlyList<BrandRecord> Brands() => [.. _brands.Values.Select(entry => entry.Record).OrderBy(brand => brand.Id, StringComparer.Ordinal)];

    /// <summary>Adds one device and draws its secret.</summary>
    /// <exception cref="RegistryException">NotFound: no such brand or model. Conflict: the id is taken. Invalid: the id breaks its rules.</exception>
    public NewCredentials AddDevice(NewDevice device) => AddDevices([device])[0];

    /// <summary>Adds devices in one transaction: all of them or none. A fleet of 100,000 takes seconds, not one flush each.</summary>
    /// <exception cref="RegistryException">As <see cref="AddDevice"/>.</exception>
    public IReadOnlyList<NewCredentials> AddDevices(IReadOnlyList<NewDevice> devices)
    {
        List<NewCredentials> added = new(devices.Count);
        lock (_changing)
        {
            HashSet<(string, string)> inThisCall = [];
            Change(() =>
            {
                using Statement insert = Prepare("INSERT INTO devices(brand_key, id, model, hub, secret) VALUES(?1, ?2, ?3, ?4, ?5) RETURNING device_key", 5);
                foreach (NewDevice device in devices)
                {
                    BrandEntry brand = Brand(device.Brand);
                    string id = device.Device.Length > 0 ? device.Device : "d" + UserKey.Draw().Text[1..];
                    CheckDevice(brand, id, device);
                    if (!inThisCall.Add((device.Brand, id))) throw Refusals.DeviceTaken(device.Brand, id);
                    string secret = DeviceSecret.Draw();
                    byte[] stored = DeviceSecret.Hash(secret);
                    long key = (long)insert.Scalar((long)brand.Record.BrandKey, id, device.Model, device.IsHub ? 1L : 0L, stored)!;
                    DeviceDescription description = new(checked((uint)key), brand.Record.BrandKey, brand.Record.Id, id, device.Model);
                    added.Add(new NewCredentials(new DeviceRecord(description, device.IsHub, stored), $"{brand.Record.Id}/{id}", secret));
                }

                return added.Count;
            });
            foreach (NewCredentials one in added) Show(_brands[one.Device.Description.Brand], one.Device);
            Volatile.Write(ref _deviceCount, _deviceCount + added.Count);
        }

        foreach (NewCredentials one in added) Tell(RegistryChangeKind.Device, one.Device.DeviceKey);
        return added;
    }

    /// <summary>A page of devices by brand and id.</summary>
    /// <param name="brand">Empty = all.</param>
    /// <param name="after">"brand/device", the last of the page before; empty = from the first.</param>
    /// <param name="limit">Most records to return.</param>
    public IReadOnlyList<DeviceRecord> Devices(string brand, string after, int limit)
    {
        string[] last = after.Split('/', 2);
        lock (_changing)
        {
            return Select(
                """
                SELECT d.device_key FROM devices d JOIN brands b USING(brand_key)
                WHERE (?1 = '' OR b.id = ?1) AND (b.id, d.id) > (?2, ?3) ORDER BY b.id, d.id LIMIT ?4
                """,
                row => _devices.Find((uint)row.GetInt64(0))!, brand, last[0], last.Length > 1 ? last[1] : "", (long)limit);
        }
    }

    private BrandEntry Brand(string id) => _brands.TryGetValue(id, out BrandEntry? entry) ? entry : throw Refusals.NoBrand(id);

    private static void CheckDevice(BrandEntry brand, string id, NewDevice device)
    {
        if (!Topics.IsDeviceId(id)) throw Refusals.DeviceId(id);
        if (brand.Devices.ContainsKey(id)) throw Refusals.DeviceTaken(device.Brand, id);
        if (!brand.Models.Values.Any(model => model.Profile.Model == device.Model)) throw Refusals.NoModel(device.Brand, device.Model);
    }

    private static void CheckAgainstOthers(BrandEntry brand, ModelProfile profile)
    {
        foreach (ModelProfile other in brand.Models.Values.Select(model => model.Profile))
        {
            if (other.Hash == profile.Hash)
            {
                throw new RegistryException(
                    RegistryError.Conflict, $"Profile hash {profile.Hash:x8} is that of {other.Model} version {other.Version} already. Raise the version of {profile.Model}.");
            }

            if (other.Model != profile.Model) continue;
            if (other.Version == profile.Version)
            {
                throw new RegistryException(
                    RegistryError.Conflict, $"{profile.Model} version {profile.Version} is there with other content (hash {other.Hash:x8}, not {profile.Hash:x8}). Devices in the field rely on it; put a new version.");
            }

            foreach (SignalDefinition signal in profile.Signals)
            {
                if (other.Find(signal.Id) is { } before && before.Key != signal.Key)
                {
                    throw new RegistryException(
                        RegistryError.Conflict, string.Create(CultureInfo.InvariantCulture, $"Signal id {signal.Id} is \"{before.Key}\" in version {other.Version} and \"{signal.Key}\" here. Ids are never reused within a model; take a new one."));
                }
            }
        }
    }
}
