using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Mqtt;
using Telemetry.Mqtt.Listening;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Mqtt;

/// <summary>The server of <c>bench mqtt</c> and <c>bench idle</c>, in a process of its own: registry, log on disk with every flush real, ingest, MQTT endpoint.
/// It prints <c>ready PORT PROFILE</c> and one <c>device SECRET</c> line each, answers <c>stat</c> on its input, and ends with it.</summary>
internal static class BenchServer
{
    public const string Name = "mqtt-server";
    public const string Brand = "bench";

    public const string Profile = """
        {"model":"bench-1","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":20,"max":250,"privacy":"health","periodMs":1000}]}
        """;

    public static int Run(BenchOptions options)
    {
        (string folder, int devices) = (options.Rest[0], int.Parse(options.Rest[1]));
        return RunAsync(folder, devices).GetAwaiter().GetResult();
    }

    private static async Task<int> RunAsync(string folder, int devices)
    {
        using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
        registry.PutBrand(Brand, "Bench");
        ModelRecord model = registry.PutModel(Brand, Profile);
        IReadOnlyList<NewCredentials> credentials = registry.AddDevices([.. Enumerable.Range(1, devices).Select(i => new NewDevice(Brand, $"d{i}", "bench-1"))]);
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = Path.Combine(folder, "log") });
        using IngestService ingest = IngestService.Open(log, registry);

        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton<IIngest>(ingest);
        builder.Services.AddMqttEndpoint();
        builder.Services.AddMqttListener(new IPEndPoint(IPAddress.Loopback, 0));
        using IHost app = builder.Build();
        await app.StartAsync();

        int port = app.Services.GetRequiredService<MqttListener>().Address.Port;
        Console.WriteLine($"ready {port} {model.Profile.Hash}");
        foreach (NewCredentials one in credentials) Console.WriteLine($"device {one.Secret}");
        while (Console.ReadLine() is { } line)
        {
            if (line != "stat") continue;
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            IngestCounts counts = ingest.Counts;
            Console.WriteLine($"stat {GC.GetTotalMemory(forceFullCollection: false)} {ingest.SequenceMemory.Bytes} {counts.Stored}");
        }

        await app.StopAsync();
        return 0;
    }
}
