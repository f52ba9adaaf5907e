using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Telemetry.Bench.Mqtt;

/// <summary>One RabbitMQ node on the loopback, all of it under one folder, whose MQTT sessions are quorum queues.</summary>
internal sealed class RabbitNode
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    private readonly string _mapperPort;

    /// <summary>Writes its configuration.</summary>
    /// <param name="folder">Everything it keeps.</param>
    /// <param name="mqttPort">Where it speaks MQTT.</param>
    /// <param name="freePort">Gives a free port for each of the others.</param>
    /// <param name="user">The only one it knows; null = everybody is welcome.</param>
    /// <param name="password">Of that user.</param>
    public RabbitNode(string folder, int mqttPort, Func<int> freePort, string? user = null, string password = "")
    {
        AmqpPort = freePort();
        _mapperPort = freePort().ToString(CultureInfo.InvariantCulture);
        string config = Path.Combine(folder, "rabbitmq");
        File.WriteAllText(config + ".conf", string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{AmqpPort}
            mqtt.listeners.tcp.1 = 127.0.0.1:{mqttPort}
            mqtt.durable_queue_type = quorum
            {(user is null ? "mqtt.allow_anonymous = true\nmqtt.default_user = guest\nmqtt.default_pass = guest" : Only(folder, user, password))}

            """));
        File.WriteAllText(Path.Combine(folder, "enabled_plugins"), "[rabbitmq_mqtt].\n");
        string cookie = Path.Combine(folder, ".erlang.cookie");
        File.WriteAllText(cookie, "benchcookie");
        File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = folder,
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_EPMD_PORT"] = _mapperPort,
            ["RABBITMQ_NODENAME"] = $"node{mqttPort}@localhost",
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
            ["RABBITMQ_LOGS"] = Path.Combine(folder, "log", "node.log"),
            ["RABBITMQ_CONFIG_FILE"] = config,
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "enabled_plugins"),
            ["RABBITMQ_DIST_PORT"] = freePort().ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_ALLOW_INPUT"] = "1", // the shell becomes the node: its CPU time and its end are those of the process we started
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -noinput",
        };
    }

    /// <summary>The program, or null where RabbitMQ is not installed.</summary>
    public static string? Program => File.Exists(Server) ? Server : null;

    /// <summary>Listens once the node is ready. The MQTT port does so before the node has read whom it knows.</summary>
    public int AmqpPort { get; }

    /// <summary>What it is started with; there are no arguments.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Ends Erlang's port mapper, which outlives the node that started it.</summary>
    public void EndMapper() => Process.Start(new ProcessStartInfo("epmd", ["-port", _mapperPort, "-kill"]) { RedirectStandardOutput = true })?.WaitForExit();

    // A password stands as salt and SHA-256 of salt and password, in Base64.
    private static string Only(string folder, string user, string password)
    {
        byte[] salt = [1, 2, 3, 4];
        string hash = Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]);
        string definitions = Path.Combine(folder, "definitions.json");
        File.WriteAllText(definitions, $$"""
            {"users": [{"name": "{{user}}", "password_hash": "{{hash}}", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}],
             "vhosts": [{"name": "/"}], "permissions": [{"user": "{{user}}", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}]}
            """);
        return $"mqtt.allow_anonymous = false\nload_definitions = {definitions}";
    }
}
