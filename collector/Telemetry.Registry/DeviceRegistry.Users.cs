using System.Collections.Immutable;
using Telemetry.Registry.Storage;

namespace Telemetry.Registry;

/// <summary>What the registry removed for an erasure.</summary>
/// <param name="Bindings">Bindings removed.</param>
/// <param name="Consents">Consent entries removed.</param>
/// <param name="Answers">Questions and answers removed.</param>
/// <param name="FencedEpochs">Device epochs whose late batches are refused from now on.</param>
public sealed record RegistryErasure(int Bindings, int Consents, int Answers, IReadOnlyList<DeviceEpoch> FencedEpochs);

/// <summary>An epoch of a device.</summary>
public readonly record struct DeviceEpoch(uint DeviceKey, uint Epoch);

/// <summary>A user to add.</summary>
/// <param name="User">The key; empty = draw one.</param>
/// <param name="UtcOffsetMinutes">Local time minus UTC, -840..840.</param>
public sealed record NewUser(UserKey User, int UtcOffsetMinutes)
{
    /// <summary>What the user says about consent, in the order said.</summary>
    public IReadOnlyList<ConsentEntry> Consents { get; init; } = [];
}

// Users, bindings, consent, erasure.
public sealed partial class DeviceRegistry
{
    private const string InsertConsent = "INSERT INTO consents(user, purpose, recipient, granted, from_unix_ms, recorded_unix_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";

    /// <summary>Adds a user. Adding the same again changes nothing.</summary>
    /// <param name="user">The key; empty = draw one.</param>
    /// <param name="utcOffsetMinutes">Local time minus UTC, -840..840.</param>
    /// <exception cref="RegistryException">Conflict: the user is there with another offset. Invalid: the offset is out of range.</exception>
    public UserRecord AddUser(UserKey user, int utcOffsetMinutes) => AddUsers([new NewUser(user, utcOffsetMinutes)])[0];

    /// <summary>Adds users with what they consent to in one transaction: all of them or none. A user that is there already stays as it is.</summary>
    /// <exception cref="RegistryException">As <see cref="AddUser"/> and <see cref="SetConsent"/>.</exception>
    public IReadOnlyList<UserRecord> AddUsers(IReadOnlyList<NewUser> users)
    {
        List<UserRecord> records = new(users.Count);
        List<UserRecord> added = [];
        lock (_changing)
        {
            Change(() =>
            {
                using Statement insertUser = Prepare("INSERT INTO users VALUES(?1, ?2)", 2), insertConsent = Prepare(InsertConsent, 6);
                HashSet<UserKey> inThisCall = [];
                foreach (NewUser one in users)
                {
                    UserKey key = one.User.IsEmpty ? UserKey.Draw() : one.User;
                    if (FindSame(key, one.UtcOffsetMinutes) is { } present)
                    {
                        records.Add(present);
                        continue;
                    }

                    if (!inThisCall.Add(key)) throw new RegistryException(RegistryError.Conflict, "The same user is added twice in one call. Name each once.");
                    insertUser.Run(key.Text, (long)one.UtcOffsetMinutes);
                    ConsentHistory consents = ConsentHistory.Empty;
                    foreach (ConsentEntry entry in one.Consents)
                    {
                        CheckConsent(entry);
                        insertConsent.Run(ConsentRow(key, entry));
                        consents = consents.Add(entry);
                    }

                    added.Add(new UserRecord(key, one.UtcOffsetMinutes, [], consents));
                    records.Add(added[^1]);
                }

                return added.Count;
            });
            foreach (UserRecord record in added) _users[record.User] = record;
        }

        foreach (UserRecord record in added) Tell(RegistryChangeKind.User, user: record.User);
        return records;
    }

    /// <summary>A page of users by key.</summary>
    public IReadOnlyList<UserRecord> Users(string after, int limit)
    {
        lock (_changing)
        {
            return Select("SELECT user FROM users WHERE user > ?1 ORDER BY user LIMIT ?2", row => _users[UserKey.Parse(row.GetString(0))], after, (long)limit);
        }
    }

    /// <summary>Binds a device to a user for [from, to). The same user, device and from again sets a new end: so a binding is ended.</summary>
    /// <exception cref="RegistryException">NotFound: no such user or device. Conflict: another binding of the device overlaps. Invalid: the range is empty.</exception>
    public DeviceBinding Bind(DeviceBinding binding)
    {
        if (binding.FromUnixMs < 0 || binding.ToUnixMs <= binding.FromUnixMs)
        {
            throw new RegistryException(RegistryError.Invalid, $"The range [{binding.FromUnixMs}, {binding.ToUnixMs}) is empty or before 1970; from must be 0 or more and before to.");
        }

        DeviceRecord[] told;
        lock (_changing)
        {
            UserRecord user = User(binding.User);
            DeviceRecord device = _devices.Find(binding.DeviceKey) ?? throw new RegistryException(RegistryError.NotFound, $"There is no device {binding.DeviceKey}. Add it first.");
            CheckOverlap(device, binding);
            DeviceRecord bound = device.With(bindings: [.. device.Bindings.Where(other => !IsSame(other, binding)).Append(binding).OrderBy(other => other.FromUnixMs)]);
            long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            told = IsRefused(device, now) == IsRefused(bound, now) ? [] : [bound];
            Change(() => Run(
                "INSERT INTO bindings VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET to_unix_ms = excluded.to_unix_ms",
                (long)binding.DeviceKey, binding.FromUnixMs, binding.ToUnixMs, binding.User.Text) + SaveUnconfirmed(told));
            Show(_brands[device.Description.Brand], bound);
            ShowUnconfirmed(told);
            _users[binding.User] = user with { Bindings = [.. user.Bindings.Where(other => !IsSame(other, binding)), binding] };
        }

        Tell(RegistryChangeKind.Binding, binding.DeviceKey, binding.User);
        foreach (DeviceRecord device in told) Tell(RegistryChangeKind.Orders, device.DeviceKey);
        return binding;
    }

    /// <summary>Records what a user said about consent. Devices the user has now that must end or may begin their capture are told at once; a word whose time is to come they hear with their next connection behind it.</summary>
    /// <exception cref="RegistryException">NotFound: no such user, or recipient brand. Invalid: a recipient is missing or given where none belongs.</exception>
    public void SetConsent(UserKey user, ConsentEntry entry)
    {
        DeviceRecord[] told;
        lock (_changing)
        {
            CheckConsent(entry);
            UserRecord before = User(user), after = before with { Consents = before.Consents.Add(entry) };
            long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            told =
            [
                .. before.Bindings.Select(binding => binding.DeviceKey).Distinct().Select(key => _devices.Find(key)!)
                    .Where(device => device.UserAt(now) == user && before.Consents.IsRefused(device.Description.Brand, now) != after.Consents.IsRefused(device.Description.Brand, now)),
            ];
            Change(() => Run(InsertConsent, ConsentRow(user, entry)) + SaveUnconfirmed(told));
            _users[user] = after;
            ShowUnconfirmed(told);
        }

        Tell(RegistryChangeKind.Consent, user: user);
        foreach (DeviceRecord device in told) Tell(RegistryChangeKind.Orders, device.DeviceKey);
    }

    /// <summary>Fences an epoch: its batches are refused from now on. Fencing it again changes nothing.</summary>
    /// <exception cref="RegistryException">NotFound: no such device.</exception>
    public void FenceEpoch(DeviceEpoch epoch)
    {
        lock (_changing)
        {
            if (IsErasedEpoch(epoch.DeviceKey, epoch.Epoch)) return;
            Change(() => Fence(epoch));
            ShowFence(epoch);
        }

        Tell(RegistryChangeKind.ErasedEpoch, epoch.DeviceKey);
    }

    /// <summary>
    /// The registry's part of an erasure: fences the given epochs and removes the user with all bindings, consents, answers and what the user's devices were told, in one transaction,
    /// and takes the bytes off the disk. The log, segments and sinks remove theirs.
    /// </summary>
    /// <param name="user">Whom.</param>
    /// <param name="epochs">The epochs the user's devices recorded under, from the log.</param>
    /// <exception cref="RegistryException">NotFound: no such user.</exception>
    public RegistryErasure EraseUser(UserKey user, IReadOnlyList<DeviceEpoch> epochs)
    {
        RegistryErasure receipt;
        DeviceRecord[] told;
        lock (_changing)
        {
            UserRecord record = User(user);
            DeviceEpoch[] fences = [.. epochs.Distinct()];
            DeviceRecord[] devices = [.. record.Bindings.Select(binding => binding.DeviceKey).Distinct().Select(key => _devices.Find(key)!)];
            told = [.. devices.Where(device => IsToldFor(device, user))];
            (int bindings, int consents, int answers) = Change(() =>
            {
                foreach (DeviceEpoch epoch in fences) Fence(epoch);
                int removedBindings = Run("DELETE FROM bindings WHERE user = ?1", user.Text), removedConsents = Run("DELETE FROM consents WHERE user = ?1", user.Text);
                int removedAnswers = Run("DELETE FROM questions WHERE user = ?1", user.Text);
                foreach (DeviceRecord device in told) SaveOrders(device.DeviceKey, DeviceOrders.None);
                Run("DELETE FROM users WHERE user = ?1", user.Text);
                return (removedBindings, removedConsents, removedAnswers);
            });
            foreach (DeviceEpoch epoch in fences) ShowFence(epoch);
            foreach (DeviceRecord erased in devices)
            {
                DeviceRecord device = _devices.Find(erased.DeviceKey)!; // with its fences
                ShowOrders(device.With(bindings: device.Bindings.RemoveAll(binding => binding.User == user)), told.Contains(erased) ? DeviceOrders.None : device.Orders);
            }

            _users.TryRemove(user, out _);
            // Freed pages are zeroed (secure_delete); the write-ahead log still holds old ones until it is folded in.
            Run("PRAGMA wal_checkpoint(TRUNCATE)");
            receipt = new RegistryErasure(bindings, consents, answers, fences);
        }

        foreach (uint deviceKey in receipt.FencedEpochs.Select(epoch => epoch.DeviceKey).Distinct()) Tell(RegistryChangeKind.ErasedEpoch, deviceKey);
        foreach (DeviceRecord device in told) Tell(RegistryChangeKind.Orders, device.DeviceKey);
        Tell(RegistryChangeKind.UserErased, user: user);
        return receipt;
    }

    private object[] ConsentRow(UserKey user, ConsentEntry entry) =>
        [user.Text, (long)entry.Purpose, entry.Recipient, entry.IsGranted ? 1L : 0L, entry.FromUnixMs, _clock.GetUtcNow().ToUnixTimeMilliseconds()];

    private void CheckConsent(ConsentEntry entry)
    {
        if (!Enum.IsDefined(entry.Purpose)) throw new RegistryException(RegistryError.Invalid, $"Purpose {(int)entry.Purpose} is unknown; insights (1), partner (2) or triggers (3) is expected.");
        if (entry.FromUnixMs < 0) throw new RegistryException(RegistryError.Invalid, $"Consent from {entry.FromUnixMs} was given; 0 or more is expected (unix ms).");
        bool isPartner = entry.Purpose == ConsentPurpose.Partner;
        if (isPartner != entry.Recipient.Length > 0)
        {
            throw new RegistryException(RegistryError.Invalid, isPartner ? "Consent to partner names no recipient; name the brand." : $"A recipient was given for {entry.Purpose}; only partner has one. Leave it empty.");
        }

        if (isPartner) Brand(entry.Recipient);
    }

    // The user as it is there already; null when it is new.
    private UserRecord? FindSame(UserKey user, int utcOffsetMinutes)
    {
        if (utcOffsetMinutes is < -840 or > 840)
        {
            throw new RegistryException(RegistryError.Invalid, $"A UTC offset of {utcOffsetMinutes} minutes was given; -840..840 is expected.");
        }

        if (!_users.TryGetValue(user, out UserRecord? present) || present.UtcOffsetMinutes == utcOffsetMinutes) return present;
        throw new RegistryException(RegistryError.Conflict, $"The user is there with a UTC offset of {present.UtcOffsetMinutes} minutes, not {utcOffsetMinutes}. Choose another key.");
    }

    private UserRecord User(UserKey user) => _users.GetValueOrDefault(user)
        ?? throw new RegistryException(RegistryError.NotFound, "There is no such user. Add it first (telemetry user add).");

    private int Fence(DeviceEpoch epoch)
    {
        if (_devices.Find(epoch.DeviceKey) is null) throw new RegistryException(RegistryError.NotFound, $"There is no device {epoch.DeviceKey} whose epoch could be fenced.");
        return Run("INSERT INTO erased_epochs VALUES(?1, ?2) ON CONFLICT DO NOTHING", (long)epoch.DeviceKey, (long)epoch.Epoch);
    }

    private void ShowFence(DeviceEpoch epoch)
    {
        DeviceRecord device = _devices.Find(epoch.DeviceKey)!;
        if (!device.ErasedEpochs.Contains(epoch.Epoch)) Show(_brands[device.Description.Brand], device.With(erasedEpochs: device.ErasedEpochs.Add(epoch.Epoch)));
    }

    private static bool IsSame(DeviceBinding left, DeviceBinding right) =>
        left.DeviceKey == right.DeviceKey && left.User == right.User && left.FromUnixMs == right.FromUnixMs;

    private static void CheckOverlap(DeviceRecord device, DeviceBinding binding)
    {
        foreach (DeviceBinding other in device.Bindings)
        {
            if (IsSame(other, binding) || other.ToUnixMs <= binding.FromUnixMs || binding.ToUnixMs <= other.FromUnixMs) continue;
            string whose = other.User == binding.User ? "the same user" : "another user";
            string end = other.ToUnixMs == DeviceBinding.Open ? "now" : $"{other.ToUnixMs}";
            throw new RegistryException(
                RegistryError.Conflict, $"The device is bound to {whose} from {other.FromUnixMs} to {end}. End that binding first: bind it again with the same from and an earlier to.");
        }
    }
}
