using Microsoft.AspNetCore.Connections;
using Telemetry.Mqtt.Connections;

namespace Telemetry.Mqtt;

/// <summary>MQTT 3.1.1 and 5.0 on a Kestrel listener: <c>kestrel.Listen(address, port, listen =&gt; listen.UseConnectionHandler&lt;MqttConnectionHandler&gt;())</c>.
/// Register it with <see cref="MqttServiceCollectionExtensions.AddMqttEndpoint"/>.</summary>
public sealed class MqttConnectionHandler : ConnectionHandler
{
    private readonly MqttEndpoint _endpoint;

    internal MqttConnectionHandler(MqttEndpoint endpoint) => _endpoint = endpoint;

    /// <summary>Serves one socket until it ends.</summary>
    /// <param name="connection">The accepted connection, TLS already taken off.</param>
    public override Task OnConnectedAsync(ConnectionContext connection) => new MqttConnection(connection, _endpoint).RunAsync();
}
