using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt;

/// <summary>Registration of the MQTT endpoint.</summary>
public static class MqttServiceCollectionExtensions
{
    /// <summary>Adds the endpoint. An <see cref="IIngest"/> must be registered too; a <see cref="TimeProvider"/> may be (default: the system's).</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Settings.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentException">An option is out of its range; the text names it, the value and the range.</exception>
    public static IServiceCollection AddMqttEndpoint(this IServiceCollection services, MqttEndpointOptions? options = null)
    {
        MqttEndpointOptions settings = options ?? new MqttEndpointOptions();
        settings.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new MqttEndpoint(
            settings,
            provider.GetRequiredService<IIngest>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<MqttEndpoint>>(),
            provider.GetService<IHostApplicationLifetime>()));
        services.AddSingleton(provider => new MqttConnectionHandler(provider.GetRequiredService<MqttEndpoint>()));
        return services;
    }
}
