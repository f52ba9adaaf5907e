using System.Collections.Concurrent;
using System.Net;
using Telemetry.Simulator.Replay;
using Telemetry.Simulator.Sources;
using Telemetry.Wire.V1;

namespace Telemetry.Simulator.Api;

/// <summary>Makes a running collector know a fleet: brands, models, users who consent to insights, devices, bindings.</summary>
/// <remarks>
/// A brand, model or user that is there already is used as it is. A device id that is taken (an earlier run) gets a number behind
/// it, because the secret of the first is known to nobody.
/// </remarks>
public sealed class FleetRegistrar(CollectorApi api) : IFleetRegistry
{
    // Runs of the same fleet against one collector; the 1,001st asks for a fresh one.
    private const int MaxSuffix = 1000;

    private readonly ConcurrentDictionary<string, Lazy<Task>> _once = new(StringComparer.Ordinal);
    private int _suffix = 1;

    /// <inheritdoc/>
    public async Task<FleetCredentials> AddAsync(DeviceSource source, CancellationToken cancellation)
    {
        await OnceAsync($"brand {source.Brand}", () => api.RegistryAsync<Brand>("PutBrand", new Brand { Id = source.Brand, Name = source.Brand }, cancellation));
        await OnceAsync(
            $"model {source.Brand}/{source.Profile.Model.Model}",
            () => api.RegistryAsync<Model>("PutModel", new PutModelRequest { Brand = source.Brand, ProfileJson = source.Profile.Json }, cancellation));
        await OnceAsync($"user {source.User}", () => AddUserAsync(source.User, cancellation));
        FleetCredentials credentials = await AddDeviceAsync(source, cancellation);
        await api.RegistryAsync<Binding>("BindDevice", new Binding { User = source.User, Brand = source.Brand, Device = credentials.Device }, cancellation);
        return credentials;
    }

    private async Task AddUserAsync(string user, CancellationToken cancellation)
    {
        await api.RegistryAsync<User>("AddUser", new AddUserRequest { User = user }, cancellation);
        await api.RegistryAsync<Consent>("SetConsent", new Consent { User = user, Purpose = Purpose.Insights, Granted = true }, cancellation);
    }

    private async Task<FleetCredentials> AddDeviceAsync(DeviceSource source, CancellationToken cancellation)
    {
        for (int suffix = _suffix; suffix <= MaxSuffix; suffix++)
        {
            string device = suffix == 1 ? source.Device : $"{source.Device}-{suffix}";
            try
            {
                DeviceCredentials added = await api.RegistryAsync<DeviceCredentials>(
                    "AddDevice", new AddDeviceRequest { Brand = source.Brand, Device = device, Model = source.Profile.Model.Model }, cancellation);
                _suffix = suffix;
                return new FleetCredentials(device, added.Secret);
            }
            catch (CollectorApiException taken) when (taken.Status == HttpStatusCode.Conflict)
            {
                // Taken by an earlier run: the next number.
            }
        }

        throw new CollectorApiException(HttpStatusCode.Conflict, $"{source.Name} and {MaxSuffix - 1} numbers behind it are taken; use a fresh data folder or another --brand.");
    }

    private Task OnceAsync(string what, Func<Task> add) => _once.GetOrAdd(what, _ => new Lazy<Task>(add)).Value;
}
