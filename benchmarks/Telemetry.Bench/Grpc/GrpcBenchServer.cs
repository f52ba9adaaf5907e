using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Telemetry.Grpc;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Grpc;

/// <summary>The server side of <see cref="GrpcBench"/>, in its own process: prints "ready PORT PROFILE", then "USERNAME SECRET" a device, and ends with its standard input.</summary>
internal static class GrpcBenchServer
{
    public static int Run(BenchOptions options) => RunAsync(int.Parse(options.Rest[0], CultureInfo.InvariantCulture)).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(int devices)
    {
        string folder = Directory.CreateTempSubdirectory("telemetry-bench-grpc-").FullName;
        try
        {
            using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
            registry.PutBrand("bench", "Bench");
            uint profile = registry.PutModel("bench", WearableRows.ProfileJson).Profile.Hash;
            IReadOnlyList<NewCredentials> credentials = registry.AddDevices([.. Enumerable.Range(0, devices).Select(number => new NewDevice("bench", $"d{number}", "wearable"))]);
            using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = Path.Combine(folder, "log") });
            using IngestService ingest = IngestService.Open(log, registry);

            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton<IIngest>(ingest);
            builder.Services.AddGrpcEndpoint(new GrpcEndpointOptions());
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseGrpc()));
            await using WebApplication app = builder.Build();
            app.MapGrpcEndpoint();
            await app.StartAsync();
            int port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
            Console.WriteLine($"ready {port} {profile}");
            foreach (NewCredentials one in credentials) Console.WriteLine($"{one.Username} {one.Secret}");
            await Console.In.ReadToEndAsync();
            await app.StopAsync();
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>The parent's hold on the server process.</summary>
internal sealed class GrpcServerProcess : IDisposable
{
    private readonly Process _process;

    private GrpcServerProcess(Process process) => _process = process;

    public int Port { get; private set; }

    public uint Profile { get; private set; }

    public List<(string Username, string Secret)> Devices { get; } = [];

    /// <summary>User and system time of the server so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<GrpcServerProcess> StartAsync(int devices)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        start.ArgumentList.Add("grpc-server");
        start.ArgumentList.Add(devices.ToString(CultureInfo.InvariantCulture));
        start.Environment["DOTNET_gcServer"] = "0";
        GrpcServerProcess server = new(Process.Start(start)!);
        string[] ready = (await server._process.StandardOutput.ReadLineAsync())?.Split(' ') ?? throw new InvalidOperationException("The server ended before it was ready.");
        (server.Port, server.Profile) = (int.Parse(ready[1], CultureInfo.InvariantCulture), uint.Parse(ready[2], CultureInfo.InvariantCulture));
        for (int i = 0; i < devices; i++)
        {
            string[] device = (await server._process.StandardOutput.ReadLineAsync())!.Split(' ');
            server.Devices.Add((device[0], device[1]));
        }

        return server;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30))) _process.Kill();
        _process.Dispose();
    }
}
