using Telemetry.Wire.V1;

namespace Telemetry.Registry;

/// <summary>The methods of telemetry.v1.Registry over a <see cref="DeviceRegistry"/>: one a rpc, for whichever edge serves them.</summary>
/// <remarks>Thread-safe. Each throws <see cref="RegistryException"/> where the registry refuses. Callers are operators; the edge checks that.</remarks>
public sealed class RegistryService(DeviceRegistry registry)
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 10_000;

    /// <summary>Adds or renames a brand.</summary>
    public Brand PutBrand(Brand request) => ToMessage(registry.PutBrand(request.Id, request.Name));

    /// <summary>Brands by id.</summary>
    public BrandList ListBrands(ListRequest request) =>
        new() { Brands = { Page(registry.Brands(), brand => brand.Id, request).Select(ToMessage) } };

    /// <summary>Adds a version of a model.</summary>
    public Model PutModel(PutModelRequest request) => ToMessage(registry.PutModel(request.Brand, request.ProfileJson));

    /// <summary>Versions of models by "brand/model/version"; versions are padded to ten digits in that id, so that they sort.</summary>
    public ModelList ListModels(ListRequest request) =>
        new() { Models = { Page(registry.Models(request.Brand), model => $"{model.Brand}/{model.Profile.Model}/{model.Profile.Version:d10}", request).Select(ToMessage) } };

    /// <summary>Adds a device; the answer is the only sight of its secret.</summary>
    public DeviceCredentials AddDevice(AddDeviceRequest request)
    {
        NewCredentials added = registry.AddDevice(new NewDevice(request.Brand, request.Device, request.Model, request.Hub));
        return new DeviceCredentials { Device = ToMessage(added.Device), Username = added.Username, Secret = added.Secret };
    }

    /// <summary>Devices by "brand/device".</summary>
    public DeviceList ListDevices(ListRequest request) => new() { Devices = { registry.Devices(request.Brand, request.After, Limit(request)).Select(ToMessage) } };

    /// <summary>Adds a user.</summary>
    public User AddUser(AddUserRequest request) =>
        ToMessage(registry.AddUser(request.User.Length == 0 ? default : UserKey.Parse(request.User), request.UtcOffsetMinutes));

    /// <summary>Users by key.</summary>
    public UserList ListUsers(ListRequest request) => new() { Users = { registry.Users(request.After, Limit(request)).Select(ToMessage) } };

    /// <summary>One user with all bindings and consents: the registry's part of an export.</summary>
    public User FindUser(string user) =>
        ToMessage(registry.FindUser(UserKey.Parse(user)) ?? throw new RegistryException(RegistryError.NotFound, "There is no such user; `telemetry user list` shows those there are."));

    /// <summary>Binds a device to a user, or ends a binding.</summary>
    public Binding BindDevice(Binding request)
    {
        DeviceRecord device = Device(request.Brand, request.Device);
        long to = request.ToUnixMs == 0 ? DeviceBinding.Open : request.ToUnixMs;
        return ToMessage(registry.Bind(new DeviceBinding(device.DeviceKey, UserKey.Parse(request.User), request.FromUnixMs, to)));
    }

    /// <summary>Records what a user said about consent.</summary>
    public Consent SetConsent(Consent request)
    {
        registry.SetConsent(UserKey.Parse(request.User), new ConsentEntry((ConsentPurpose)request.Purpose, request.Recipient, request.Granted, request.FromUnixMs));
        return request;
    }

    /// <summary>Changes what a device is told.</summary>
    public StandingOrders PutOrders(OrderRequest request)
    {
        DeviceRecord device = Device(request.Brand, request.Device);
        OrderChange change = new()
        {
            IsCleared = request.Clear,
            Rates = [.. request.Rates.Select(rate => (rate.Signal, rate.Usual ? default(int?) : (int)Math.Min(rate.PeriodMs, int.MaxValue)))],
            Upload = request.Upload is { } upload ? new UploadRhythm(Seconds(upload.IntervalS), Seconds(upload.OffsetS), Seconds(upload.SpreadS)) : null,
            MaxBatchBytes = request.Batch is { } batch ? (int)Math.Min(batch.MaxBytes, int.MaxValue) : null,
        };
        registry.Order(device.DeviceKey, change);
        return StandingOrdersOf(device); // with what follows from consent, and was not ordered

        static int Seconds(uint seconds) => (int)Math.Min(seconds, int.MaxValue);
    }

    /// <summary>What a device is told now.</summary>
    public StandingOrders ListOrders(OrdersRequest request) => StandingOrdersOf(Device(request.Brand, request.Device));

    private DeviceRecord Device(string brand, string device) => registry.FindDevice(brand, device) ?? throw Refusals.NoDevice(brand, device);

    private static int Limit(ListRequest request) => request.Limit switch
    {
        0 => DefaultLimit,
        <= MaxLimit => (int)request.Limit,
        _ => throw new RegistryException(RegistryError.Invalid, $"A page of {request.Limit} was asked for; at most {MaxLimit} are given. Read on with after."),
    };

    private static IEnumerable<T> Page<T>(IEnumerable<T> all, Func<T, string> id, ListRequest request)
    {
        IEnumerable<T> rest = all.OrderBy(id, StringComparer.Ordinal);
        if (request.After.Length > 0) rest = rest.Where(one => string.CompareOrdinal(id(one), request.After) > 0);
        return rest.Take(Limit(request));
    }

    private static Brand ToMessage(BrandRecord brand) => new() { Id = brand.Id, Name = brand.Name };

    private static Model ToMessage(ModelRecord model) => new()
    {
        Brand = model.Brand, Id = model.Profile.Model, Version = (uint)model.Profile.Version, Profile = model.Profile.Hash, ProfileJson = model.ProfileJson,
    };

    private static Device ToMessage(DeviceRecord device) => new()
    {
        Brand = device.Description.Brand, Device_ = device.Description.Device, Model = device.Description.Model, Key = device.DeviceKey, Hub = device.IsHub,
        User = device.Bindings.LastOrDefault(binding => binding.ToUnixMs == DeviceBinding.Open).User.Text,
    };

    private User ToMessage(UserRecord user)
    {
        User message = new() { User_ = user.User.Text, UtcOffsetMinutes = user.UtcOffsetMinutes };
        message.Bindings.AddRange(user.Bindings.OrderBy(binding => binding.FromUnixMs).Select(ToMessage));
        message.Consents.AddRange(user.Consents.Entries.Select(entry => new Consent
        {
            User = user.User.Text, Purpose = (Purpose)entry.Purpose, Recipient = entry.Recipient, Granted = entry.IsGranted, FromUnixMs = entry.FromUnixMs,
        }));
        return message;
    }

    private StandingOrders StandingOrdersOf(DeviceRecord device)
    {
        DeviceOrders orders = registry.FindOrders(device.DeviceKey) ?? DeviceOrders.None;
        StandingOrders message = new() { Brand = device.Description.Brand, Device = device.Description.Device, ConfirmedUnixMs = orders.ConfirmedUnixMs };
        message.Rates.AddRange(orders.Rates.Select(rate => new RateOrder { Signal = KeyOf(device, rate.Signal), PeriodMs = (uint)rate.PeriodMs, SinceUnixMs = rate.SinceUnixMs }));
        if (orders.Upload is { } upload) message.Upload = new UploadTimes { IntervalS = (uint)upload.IntervalS, OffsetS = (uint)upload.OffsetS, SinceUnixMs = upload.SinceUnixMs };
        if (orders.Batch is { } batch) message.Batch = new BatchLimit { MaxBytes = (uint)batch.MaxBytes, SinceUnixMs = batch.SinceUnixMs };
        message.Withdrawn.AddRange(orders.Withdrawn.Select(signal => KeyOf(device, signal)));
        if (orders.Question is { } open) (message.Question, message.QuestionSinceUnixMs) = (open.ToMessage(), open.SinceUnixMs);
        return message;
    }

    private string KeyOf(DeviceRecord device, int signal) =>
        registry.ModelVersions(device.Description).Select(version => version.Find(signal)?.Key).First(key => key is not null)!;

    private Binding ToMessage(DeviceBinding binding)
    {
        Telemetry.Wire.Profiles.DeviceDescription device = registry.FindDevice(binding.DeviceKey)!;
        return new Binding
        {
            User = binding.User.Text, Brand = device.Brand, Device = device.Device,
            FromUnixMs = binding.FromUnixMs, ToUnixMs = binding.ToUnixMs == DeviceBinding.Open ? 0 : binding.ToUnixMs,
        };
    }
}
