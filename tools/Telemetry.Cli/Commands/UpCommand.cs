using System.CommandLine;
using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Registry;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry up</c>: runs the collector until it is told to stop.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        Option<string?> data = new("--data") { Description = "Folder of everything kept; made when missing. Default ./telemetry-data" };
        Option<string?> mqtt = new("--mqtt") { Description = "MQTT 3.1.1 and 5, HOST:PORT or off. Default 127.0.0.1:1883" };
        Option<string?> mqtts = new("--mqtts") { Description = "MQTT over TLS, HOST:PORT; needs --certificate" };
        Option<string?> grpc = new("--grpc") { Description = "gRPC over plain HTTP/2, HOST:PORT or off. Default 127.0.0.1:5317" };
        Option<string?> grpcs = new("--grpcs") { Description = "gRPC over TLS, HOST:PORT; needs --certificate" };
        Option<string?> http = new("--http") { Description = "Health, metrics and JSON API, HOST:PORT or off. Default 127.0.0.1:8080" };
        Option<string?> certificate = new("--certificate") { Description = "PEM file with certificate chain and private key" };
        Option<string?> influx = new("--influx") { Description = "InfluxDB-compatible server, e.g. http://127.0.0.1:8086" };
        Option<string?> influxTokenFile = new("--influx-token-file") { Description = "File with its token (v2) or user:password (v1)" };
        Option<string?> influxBucket = new("--influx-bucket") { Description = "Bucket (v2) or database (v1). Default telemetry" };
        Option<string?> influxOrg = new("--influx-org") { Description = "Organisation (v2). Default telemetry" };
        Option<string?> influxApi = new("--influx-api") { Description = "v1, v2 or v3. Default v2 with a token file, else v1" };
        Option<string?> influxSchema = new("--influx-schema") { Description = "signal: a measurement a signal key, series = devices x signals; model: a measurement a model, a field a signal, series = devices. Default signal" };
        Option<string?> influxDeviceKeyFile = new("--influx-device-key-file") { Description = "File with a secret: devices are named there by a keyed hash of it. Default by their ids" };
        Option<bool> influxSegments = new("--influx-segments") { Description = "Write scenario segments there too; they carry user keys. Default off" };
        Option<bool> influxReleases = new("--influx-releases") { Description = "Write releases there too as they are given out. Default off" };
        Option<string?> broker = new("--broker") { Description = "Also take batches from this broker, as its client: mqtt://[USER@]HOST[:PORT], or mqtts://" };
        Option<string?> brokerPasswordFile = new("--broker-password-file") { Description = "File with the password of USER" };
        Option<string?> brokerVersion = new("--broker-version") { Description = "5 or 3.1.1. Default 5" };
        Option<string?> brokerShare = new("--broker-share") { Description = "Share the subscription with the collectors of this name ($share/NAME/...)" };
        Option<string?> brokerDevices = new("--broker-devices") { Description = "Topic filters of the devices to take, comma separated. Default t1/+/+" };
        Option<string?> brokerClientId = new("--broker-client-id") { Description = "Client identifier there. Default telemetry-XXXXXXXX, the same for one data folder" };
        Option<string?> brokerCa = new("--broker-ca") { Description = "PEM file with the authorities of its certificate. Default the system's" };
        Option<string?> model = new("--model") { Description = "File of the scenario model; another one than before names all segments again. Default the shipped one" };
        Option<string?> otlp = new("--otlp") { Description = "Push metrics by OTLP to this address" };
        Option<bool> lab = new("--lab") { Description = "Open the MQTT lab/ topic space, for bringing up hardware" };
        Option<int?> reconnects = new("--reconnects-per-second") { Description = "Devices this collector can welcome back in a second; a fleet that lost its connection spreads by it. Default 2000" };
        Option<int?> threshold = new("--release-threshold") { Description = "Least users behind a released number. Default 20" };
        Option<double?> keepVerbatim = new("--keep-verbatim") { Description = "Days until batches are packed into long blocks, which give back the same bytes. Default 7" };
        Option<double?> retention = new("--retention-days") { Description = "Days until batches go for good; finer rules by brand, privacy class and consent: key retention of --config. Default: never" };
        Option<string?> config = new("--config") { Description = "JSON file with these options as camelCase keys; the command line wins" };

        Command command = new("up", "Run the collector: MQTT, gRPC and HTTP endpoints over one data folder.")
        {
            data, mqtt, mqtts, grpc, grpcs, http, certificate, influx, influxTokenFile, influxBucket, influxOrg, influxApi, influxSchema, influxDeviceKeyFile, influxSegments, influxReleases,
            broker, brokerPasswordFile, brokerVersion, brokerShare, brokerDevices, brokerClientId, brokerCa, model, otlp, lab, reconnects, threshold, keepVerbatim, retention, config,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                ConfigFile file = parsed.GetValue(config) is { } path ? ConfigFile.Read(path) : new ConfigFile();
                CollectorOptions options = (file with
                {
                    Data = parsed.GetValue(data) ?? file.Data,
                    Mqtt = parsed.GetValue(mqtt) ?? file.Mqtt,
                    Mqtts = parsed.GetValue(mqtts) ?? file.Mqtts,
                    Grpc = parsed.GetValue(grpc) ?? file.Grpc,
                    Grpcs = parsed.GetValue(grpcs) ?? file.Grpcs,
                    Http = parsed.GetValue(http) ?? file.Http,
                    Certificate = parsed.GetValue(certificate) ?? file.Certificate,
                    Influx = parsed.GetValue(influx) ?? file.Influx,
                    InfluxTokenFile = parsed.GetValue(influxTokenFile) ?? file.InfluxTokenFile,
                    InfluxBucket = parsed.GetValue(influxBucket) ?? file.InfluxBucket,
                    InfluxOrg = parsed.GetValue(influxOrg) ?? file.InfluxOrg,
                    InfluxApi = parsed.GetValue(influxApi) ?? file.InfluxApi,
                    InfluxSchema = parsed.GetValue(influxSchema) ?? file.InfluxSchema,
                    InfluxDeviceKeyFile = parsed.GetValue(influxDeviceKeyFile) ?? file.InfluxDeviceKeyFile,
                    InfluxSegments = parsed.GetValue(influxSegments) || file.InfluxSegments == true,
                    InfluxReleases = parsed.GetValue(influxReleases) || file.InfluxReleases == true,
                    Broker = parsed.GetValue(broker) ?? file.Broker,
                    BrokerPasswordFile = parsed.GetValue(brokerPasswordFile) ?? file.BrokerPasswordFile,
                    BrokerVersion = parsed.GetValue(brokerVersion) ?? file.BrokerVersion,
                    BrokerShare = parsed.GetValue(brokerShare) ?? file.BrokerShare,
                    BrokerDevices = parsed.GetValue(brokerDevices) ?? file.BrokerDevices,
                    BrokerClientId = parsed.GetValue(brokerClientId) ?? file.BrokerClientId,
                    BrokerCa = parsed.GetValue(brokerCa) ?? file.BrokerCa,
                    Model = parsed.GetValue(model) ?? file.Model,
                    Otlp = parsed.GetValue(otlp) ?? file.Otlp,
                    Lab = parsed.GetValue(lab) || file.Lab == true,
                    ReconnectsPerSecond = parsed.GetValue(reconnects) ?? file.ReconnectsPerSecond,
                    ReleaseThreshold = parsed.GetValue(threshold) ?? file.ReleaseThreshold,
                    KeepVerbatim = parsed.GetValue(keepVerbatim) ?? file.KeepVerbatim,
                    RetentionDays = parsed.GetValue(retention) ?? file.RetentionDays,
                }).ToOptions();
                return await RunAsync(options, cancellation);
            }
            catch (OptionsException fault)
            {
                Console.Error.WriteLine(fault.Message);
                return ExitCode.BadInput;
            }
            catch (Exception fault) when (fault is IOException or InvalidDataException or RegistryException)
            {
                Console.Error.WriteLine($"The collector could not start: {fault.Message}");
                return ExitCode.Unreachable;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(CollectorOptions options, CancellationToken cancellation)
    {
        try
        {
            await using CollectorHost host = await CollectorHost.StartAsync(options, cancellation);
            Console.Out.WriteLine(host.ReadyLine);
            Console.Out.Flush();

            // A signal cancels; the drain that follows is not itself cancelled.
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await host.StopAsync();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ended before it served; what was opened is closed again.
        }

        return ExitCode.Done;
    }
}
