using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Telemetry.Log;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx;

/// <summary>How the host joins the sink.</summary>
public static class InfluxServiceExtensions
{
    /// <summary>Runs an <see cref="InfluxSink"/> beside the host. <see cref="BlockLog"/> and <see cref="IDeviceCatalog"/> come from the container.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static IServiceCollection AddInfluxSink(this IServiceCollection services, InfluxOptions options)
    {
        options.Validate();
        services.AddSingleton(provider => new InfluxSink(
            provider.GetRequiredService<BlockLog>(), provider.GetRequiredService<IDeviceCatalog>(), options,
            provider.GetService<TimeProvider>(), provider.GetService<ILogger<InfluxSink>>()));
        return services.AddHostedService(provider => provider.GetRequiredService<InfluxSink>());
    }
}
