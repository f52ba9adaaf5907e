using System.Buffers;
using System.Globalization;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Telemetry.Device.Platform;

namespace Telemetry.Device.MqttNet;

/// <summary>The way to the broker through a firmware's own MQTTnet 5 client.</summary>
/// <remarks>
/// With options, the port connects and disconnects the client, when the SDK's reconnect policy says so, and carries the last will. Without, both are the
/// caller's: the port only publishes and subscribes while the client is connected. Either way the client must be the device's: user name
/// <c>brand/device</c>, its secret, client id <c>brand_device</c>. Not for two TelemetryClients at once.
/// </remarks>
public sealed class MqttNetPort : MessagePort, IDisposable
{
    private readonly IMqttClient _client;
    private readonly MqttClientOptions? _options;
    private CancellationTokenSource? _connectLimit;
    private Task<MqttClientConnectResult>? _connecting;
    private Task _closing = Task.CompletedTask;
    private volatile string _downTopic = "";
    private volatile int _connection; // counts: an answer of one before is not this one's

    /// <summary>A port to a client that somebody else connects.</summary>
    public MqttNetPort(IMqttClient client)
        : this(client, null)
    {
    }

    /// <summary>A port that connects the client itself.</summary>
    /// <param name="client">Not connected; stays the caller's to dispose.</param>
    /// <param name="options">Server, credentials, client id, timeout. The last will is set with each connection.</param>
    public MqttNetPort(IMqttClient client, MqttClientOptions? options)
    {
        _client = client;
        _options = options;
        _client.ApplicationMessageReceivedAsync += OnReceivedAsync;
        if (options is null) _client.DisconnectedAsync += OnDisconnectedAsync;
    }

    /// <inheritdoc/>
    public override bool IsConnected => _client.IsConnected;

    /// <inheritdoc/>
    public override TransportStatus Connect(string lifeTopic, byte[] will)
    {
        if (_options is null) return _client.IsConnected ? Begun() : TransportStatus.Broken;
        if (!_closing.IsCompleted) return TransportStatus.Pending;
        if (_connecting is null)
        {
            (_options.WillTopic, _options.WillPayload, _options.WillQualityOfServiceLevel) = (lifeTopic, will, MqttQualityOfServiceLevel.AtLeastOnce);
            _connectLimit?.Dispose();
            _connectLimit = new CancellationTokenSource(_options.Timeout, TimeProvider.System);
            _connecting = _client.ConnectAsync(_options, _connectLimit.Token);
        }

        if (!_connecting.IsCompleted) return TransportStatus.Pending;
        Task<MqttClientConnectResult> connected = _connecting;
        _connecting = null;
        if (connected.IsCompletedSuccessfully) return TakeResult(connected.Result);
        _ = connected.Exception; // observed: no route, no answer in time, a broken greeting; the policy's next attempt is the answer to all
        return TransportStatus.Broken;
    }

    /// <inheritdoc/>
    public override bool Publish(int id, string topic, byte[] payload)
    {
        if (!_client.IsConnected) return false;
        _ = PublishAsync(id, topic, payload, _connection); // never faults: it ends in OnAcked or OnLost
        return true;
    }

    /// <inheritdoc/>
    public override bool Subscribe(string topic)
    {
        if (!_client.IsConnected) return false;
        _downTopic = topic;
        _ = SubscribeAsync(topic, _connection); // never faults: it ends in OnSubscribed or OnLost
        return true;
    }

    /// <inheritdoc/>
    public override void Close()
    {
        _connection++;
        if (_options is null) return;
        _connectLimit?.Cancel();
        _closing = CloseAsync(_connecting);
        _connecting = null;
    }

    /// <summary>Lets the client go, without closing it.</summary>
    public void Dispose()
    {
        _client.ApplicationMessageReceivedAsync -= OnReceivedAsync;
        _client.DisconnectedAsync -= OnDisconnectedAsync;
        _connectLimit?.Dispose();
    }

    private TransportStatus Begun()
    {
        _connection++;
        return TransportStatus.Connected;
    }

    private TransportStatus TakeResult(MqttClientConnectResult result)
    {
        foreach (MqttUserProperty property in result.UserProperties ?? [])
        {
            if (!int.TryParse(property.ReadValueAsString(), NumberStyles.None, CultureInfo.InvariantCulture, out int ms)) continue;
            if (property.Name == "slot-ms") SlotMs = ms;
            else if (property.Name == "window-ms") WindowMs = ms;
        }

        if (result.ResultCode == MqttClientConnectResultCode.Success)
        {
            ReceiveMaximum = result.ReceiveMaximum is > 0 ? result.ReceiveMaximum.Value : 65535;
            MaximumPacketBytes = result.MaximumPacketSize is > 0 and < int.MaxValue ? (int)result.MaximumPacketSize.Value : 268_435_455;
            return Begun();
        }

        ReasonCode = (int)result.ResultCode;
        return TransportStatus.Broken;
    }

    private async Task PublishAsync(int id, string topic, byte[] payload, int connection)
    {
        try
        {
            MqttApplicationMessage message = new()
            {
                Topic = topic,
                Payload = new ReadOnlySequence<byte>(payload),
                QualityOfServiceLevel = id == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
            };
            MqttClientPublishResult result = await _client.PublishAsync(message).ConfigureAwait(false);
            if (id != 0 && connection == _connection) OnAcked(id, (int)result.ReasonCode);
        }
        catch (Exception)
        {
            LoseIfStill(connection);
        }
    }

    private async Task SubscribeAsync(string topic, int connection)
    {
        try
        {
            MqttClientSubscribeResult result = await _client.SubscribeAsync(topic, MqttQualityOfServiceLevel.AtLeastOnce).ConfigureAwait(false);
            foreach (MqttClientSubscribeResultItem item in result.Items)
            {
                if (connection == _connection) OnSubscribed((int)item.ResultCode);
            }
        }
        catch (Exception)
        {
            LoseIfStill(connection);
        }
    }

    private async Task CloseAsync(Task<MqttClientConnectResult>? connecting)
    {
        try
        {
            if (connecting is not null) await connecting.ConfigureAwait(false);
        }
        catch (Exception)
        {
            return; // it never came to a connection
        }

        await _client.TryDisconnectAsync(MqttClientDisconnectOptionsReason.NormalDisconnection).ConfigureAwait(false);
    }

    // Acked once it waits for the pump. A Command that a power cut then takes comes again: it is retained, and each connection subscribes anew.
    private Task OnReceivedAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        if (received.ApplicationMessage.Topic != _downTopic) return Task.CompletedTask;
        if (!OnMessage(received.ApplicationMessage.Payload.ToArray())) received.ProcessingFailed = true; // not acked
        return Task.CompletedTask;
    }

    // Who connects the client may do so again between two turns of the pump: the subscription may be gone all the same.
    private Task OnDisconnectedAsync(MqttClientDisconnectedEventArgs disconnected)
    {
        OnLost();
        return Task.CompletedTask;
    }

    private void LoseIfStill(int connection)
    {
        if (connection == _connection) OnLost();
    }
}
