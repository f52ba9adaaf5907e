using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Telemetry.Mqtt.Broker;
using Telemetry.Mqtt.Listening;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt;

/// <summary>Registration of the MQTT endpoint and of the link to a foreign broker.</summary>
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

    /// <summary>Adds a listener without TLS for the endpoint of <see cref="AddMqttEndpoint"/>; the host starts and stops it.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="address">Where to listen; port 0 = any free one, told by <see cref="MqttListener.Address"/>.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMqttListener(this IServiceCollection services, System.Net.IPEndPoint address)
    {
        services.AddSingleton(provider => new MqttListener(provider.GetRequiredService<MqttEndpoint>(), address));
        services.AddHostedService(provider => provider.GetRequiredService<MqttListener>());
        return services;
    }

    /// <summary>Adds the link to a broker that is already there; the host starts and stops it. An <see cref="IIngest"/> must be registered too.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Where the broker is and how to speak to it.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentException">An option is out of its range; the text names it.</exception>
    public static IServiceCollection AddBrokerLink(this IServiceCollection services, BrokerOptions options)
    {
        options.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new BrokerLink(
            options, provider.GetRequiredService<IIngest>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<BrokerLink>>()));
        services.AddHostedService(provider => provider.GetRequiredService<BrokerLink>());
        return services;
    }
}
