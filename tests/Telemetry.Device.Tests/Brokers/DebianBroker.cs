using Telemetry.Bench.Mqtt;
using Telemetry.Testing;

namespace Telemetry.Device.Tests.Brokers;

/// <summary>A broker that Debian has, on loopback with a folder of its own; it knows device acme/dev by its secret and nobody else.</summary>
internal sealed class DebianBroker : ITestBroker
{
    private readonly TempFolder _folder;
    private readonly string _program;
    private readonly string[] _arguments;
    private readonly RabbitNode? _rabbit;
    private ChildProcess? _child;

    private DebianBroker(TempFolder folder, int port, string program, string[] arguments, RabbitNode? rabbit = null)
    {
        _rabbit = rabbit;
        _folder = folder;
        Port = port;
        _program = program;
        _arguments = arguments;
    }

    public int Port { get; }

    public string Brand => "acme";

    public string Device => "dev";

    public string Secret => "s3cret";

    public Profile Profile => Support.Rig.Signals();

    public int Signal => Support.Rig.Door;

    /// <summary>Eclipse mosquitto: MQTT 3.1.1 and 5.0.</summary>
    public static async Task<DebianBroker> StartMosquittoAsync()
    {
        TempFolder folder = new();
        int port = ChildProcess.FreePort();
        (int exit, _, string transcript) = await ChildProcess.RunAsync(RealParts.PathOf("mosquitto_passwd")!, ["-b", "-c", folder["users"], "acme/dev", "s3cret"]);
        Assert.True(exit == 0, transcript);
        await File.WriteAllTextAsync(folder["m.conf"], $"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {folder["users"]}\nuser root\nset_tcp_nodelay true\n");
        return await StartAsync(new DebianBroker(folder, port, RealParts.PathOf("mosquitto")!, ["-c", folder["m.conf"]]));
    }

    /// <summary>nats-server's MQTT port: 3.1.1, over JetStream.</summary>
    public static async Task<DebianBroker> StartNatsAsync()
    {
        TempFolder folder = new();
        int port = ChildProcess.FreePort();
        await File.WriteAllTextAsync(
            folder["n.conf"],
            $"server_name: test\nhost: 127.0.0.1\nport: -1\njetstream {{ store_dir: \"{folder["js"]}\" }}\nmqtt {{ host: 127.0.0.1, port: {port} }}\n"
            + "authorization { users = [ { user: \"acme/dev\", password: \"s3cret\" } ] }\n");
        return await StartAsync(new DebianBroker(folder, port, RealParts.PathOf("nats-server")!, ["-c", folder["n.conf"]]));
    }

    /// <summary>RabbitMQ's MQTT port: 3.1.1, sessions in quorum queues.</summary>
    public static async Task<DebianBroker> StartRabbitAsync()
    {
        TempFolder folder = new();
        int port = ChildProcess.FreePort();
        RabbitNode node = new(folder.Path, port, ChildProcess.FreePort, "acme/dev", "s3cret");
        return await StartAsync(new DebianBroker(folder, port, RabbitNode.Program!, [], node));
    }

    public Task KillAsync() => _child!.KillAsync();

    public async Task StartAgainAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        _child = ChildProcess.Start(_program, _arguments, _folder.Path, _rabbit?.Environment);
        await _child.ListeningAsync(_rabbit?.AmqpPort ?? Port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        _rabbit?.EndMapper();
        _folder.Dispose();
    }

    private static async Task<DebianBroker> StartAsync(DebianBroker broker)
    {
        await broker.StartAgainAsync();
        return broker;
    }
}
