using System.CommandLine;
using System.Globalization;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Simulator.Api;
using Telemetry.Simulator.Replay;

namespace Telemetry.Cli.Fleets;

/// <summary>The collector a fleet reports to: one that runs, or one of its own in a fresh folder for the length of the command.</summary>
internal sealed class FleetTarget : IAsyncDisposable
{
    private static readonly Option<string?> s_to = new("--to") { Description = "MQTT address of a running collector, mqtt://HOST:PORT" };
    private static readonly Option<string?> s_http = new("--http") { Description = "Its HTTP address, HOST:PORT, where it runs on another machine or as another user" };
    private static readonly Option<string?> s_tokenFile = new("--token-file") { Description = "File with its operator token, with --http" };

    private readonly CollectorHost? _own;

    private FleetTarget(string host, int port, CollectorApi api, CollectorHost? own, string? folder) => (Host, Port, Api, _own, Folder) = (host, port, api, own, folder);

    /// <summary>Host of the MQTT endpoint.</summary>
    public string Host { get; }

    /// <summary>Port of the MQTT endpoint.</summary>
    public int Port { get; }

    /// <summary>Its HTTP API.</summary>
    public CollectorApi Api { get; }

    /// <summary>Data folder of the command's own collector; null when one was there.</summary>
    public string? Folder { get; }

    /// <summary>Gives a command the options <see cref="OpenAsync"/> reads.</summary>
    public static void AddOptions(Command command)
    {
        command.Options.Add(s_to);
        command.Options.Add(s_http);
        command.Options.Add(s_tokenFile);
    }

    /// <summary>Finds the collector of <c>--to</c>, or starts one where the option is missing.</summary>
    /// <exception cref="CommandException">The address is none, or its collector is not known here.</exception>
    public static async Task<FleetTarget> OpenAsync(ParseResult parsed, bool isToNeeded, CancellationToken cancellation)
    {
        if (parsed.GetValue(s_to) is { } to) return Find(to, parsed.GetValue(s_http), parsed.GetValue(s_tokenFile));
        return isToNeeded
            ? throw new CommandException("--to is missing; the MQTT address of a running collector is expected, e.g. --to mqtt://127.0.0.1:1883.")
            : await StartAsync(cancellation);
    }

    /// <summary>Starts a collector on free loopback ports over a fresh temporary folder, which stays for the reader.</summary>
    public static async Task<FleetTarget> StartAsync(CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("telemetry-").FullName;
        CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder), cancellation);
        CollectorApi api = new(new Uri($"http://{host.HttpAddress}/"), host.OperatorToken, TimeProvider.System);
        return new FleetTarget(host.MqttAddress!.Address.ToString(), host.MqttAddress.Port, api, host, folder);
    }

    /// <summary>How a fleet is driven against it.</summary>
    public ReplayOptions Options(ulong seed) => new() { Host = Host, Port = Port, Seed = seed };

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        if (_own is not null) await _own.DisposeAsync();
    }

    private static FleetTarget Find(string to, string? http, string? tokenFile)
    {
        if (!Uri.TryCreate(to, UriKind.Absolute, out Uri? address) || address.Scheme != "mqtt" || address.Host.Length == 0)
        {
            throw new CommandException($"--to '{to}' is no MQTT address; mqtt://HOST:PORT is expected, e.g. mqtt://127.0.0.1:1883.");
        }

        int port = address.Port < 0 ? 1883 : address.Port;
        if (http is null || tokenFile is null)
        {
            StateFile? running = StateFile.FindRunning().FirstOrDefault(
                one => one.Http is not null && one.Mqtt?.EndsWith(":" + port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal) == true);
            http ??= running?.Http;
            tokenFile ??= running?.TokenFile;
        }

        if (http is null || tokenFile is null)
        {
            throw new CommandException(
                $"No collector of this user runs here with MQTT on port {port}. Start one with 'telemetry up --mqtt {address.Host}:{port}', or name its HTTP address and token with --http HOST:PORT --token-file FILE.",
                ExitCode.Unreachable);
        }

        string url = http.Contains("://", StringComparison.Ordinal) ? http : $"http://{http}";
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out Uri? httpAddress)) throw new CommandException($"--http '{http}' is no address; HOST:PORT is expected.");
        return new FleetTarget(address.Host.Trim('[', ']'), port, new CollectorApi(httpAddress, ReadToken(tokenFile), TimeProvider.System), own: null, folder: null);
    }

    private static string ReadToken(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"The token file '{file}' cannot be read: {fault.Message}");
        }
    }
}
