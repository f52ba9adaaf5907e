using System.Diagnostics;
using System.Globalization;

namespace Telemetry.Bench.Mqtt;

/// <summary>One RabbitMQ node on the loopback, all of it under one folder, whose MQTT sessions are quorum queues.</summary>
internal static class RabbitNode
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    /// <summary>The program, or null where RabbitMQ is not installed.</summary>
    public static string? Program => File.Exists(Server) ? Server : null;

    /// <summary>Writes its configuration.</summary>
    /// <param name="folder">Everything it keeps.</param>
    /// <param name="mqttPort">Its other ports are free ones.</param>
    /// <returns>Its environment; there are no arguments.</returns>
    public static PeerStart Configure(string folder, int mqttPort)
    {
        string config = Path.Combine(folder, "rabbitmq");
        File.WriteAllText(config + ".conf", string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{ServerProcess.FreePort()}
            mqtt.listeners.tcp.1 = 127.0.0.1:{mqttPort}
            mqtt.allow_anonymous = true
            mqtt.default_user = guest
            mqtt.default_pass = guest
            mqtt.durable_queue_type = quorum

            """));
        File.WriteAllText(Path.Combine(folder, "enabled_plugins"), "[rabbitmq_mqtt].\n");
        string cookie = Path.Combine(folder, ".erlang.cookie");
        File.WriteAllText(cookie, "benchcookie");
        File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        int mapperPort = ServerProcess.FreePort();
        return new PeerStart([], new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = folder,
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_EPMD_PORT"] = mapperPort.ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_NODENAME"] = $"bench{mqttPort}@localhost",
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
            ["RABBITMQ_LOGS"] = Path.Combine(folder, "log", "node.log"),
            ["RABBITMQ_CONFIG_FILE"] = config,
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "enabled_plugins"),
            ["RABBITMQ_DIST_PORT"] = ServerProcess.FreePort().ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_ALLOW_INPUT"] = "1", // the shell becomes the node, so that its CPU time is that of the process we started
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -noinput",
        })
        {
            // Erlang's port mapper outlives the node that started it.
            Ended = () => Process.Start(new ProcessStartInfo("epmd", ["-port", mapperPort.ToString(CultureInfo.InvariantCulture), "-kill"]) { RedirectStandardOutput = true })?.WaitForExit(),
        };
    }
}
