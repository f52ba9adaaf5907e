namespace Telemetry.Mqtt.Connections;

/// <summary>The open connections. A connection keeps its own place, so that adding and removing is one step and costs 8 bytes.</summary>
internal sealed class ConnectionTable
{
    private readonly Lock _gate = new();
    private readonly List<MqttConnection> _connections = [];

    /// <returns>How many there are now.</returns>
    public int Add(MqttConnection connection)
    {
        lock (_gate)
        {
            connection.TableIndex = _connections.Count;
            _connections.Add(connection);
            return _connections.Count;
        }
    }

    public void Remove(MqttConnection connection)
    {
        lock (_gate)
        {
            MqttConnection last = _connections[^1];
            _connections[connection.TableIndex] = last;
            last.TableIndex = connection.TableIndex;
            _connections.RemoveAt(_connections.Count - 1);
        }
    }

    /// <summary>Runs <paramref name="action"/> for each; it must not block. Backwards, so that one that removes itself disturbs nothing.</summary>
    public void ForEach(Action<MqttConnection> action)
    {
        lock (_gate)
        {
            for (int i = _connections.Count - 1; i >= 0; i--) action(_connections[i]);
        }
    }
}
