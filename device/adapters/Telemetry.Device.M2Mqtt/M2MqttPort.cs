using System;
using nanoFramework.M2Mqtt;
using nanoFramework.M2Mqtt.Messages;
using Telemetry.Device.Platform;

namespace Telemetry.Device.M2Mqtt
{
    /// <summary>The way to the broker through a firmware's own nanoFramework.M2Mqtt client.</summary>
    /// <remarks>
    /// The port connects and closes the client when the SDK's reconnect policy says so. MQTT 3.1.1 alone: that library tells that a PUBACK came and not
    /// what it said, so over 5.0 a batch that was refused would count as delivered; over 3.1.1 a refused batch has no PUBACK. No last will: the library
    /// takes text there, the will is bytes. Connect blocks the pump for as long as the library waits. One port a client.
    /// </remarks>
    public sealed class M2MqttPort : MessagePort
    {
        private const int MostInFlight = 16;

        private readonly MqttClient _client;
        private readonly string _clientId;
        private readonly string _user;
        private readonly string _password;
        private readonly ushort _keepAliveSeconds;
        private readonly object _gate = new object();
        private readonly int[] _messageIds = new int[MostInFlight]; // the library's; 0 = free
        private readonly int[] _ids = new int[MostInFlight];
        private string _downTopic = "";

        /// <summary>A port to a client that is not connected.</summary>
        /// <param name="client">Made with the server's name, port and TLS; ProtocolVersion 3.1.1, which is its default.</param>
        /// <param name="brand">Brand id.</param>
        /// <param name="device">Device id.</param>
        /// <param name="secret">The device's secret.</param>
        /// <param name="keepAliveSeconds">Between signs of life.</param>
        /// <exception cref="ArgumentException">The client speaks another version.</exception>
        public M2MqttPort(MqttClient client, string brand, string device, string secret, ushort keepAliveSeconds)
        {
            if (client.ProtocolVersion != MqttProtocolVersion.Version_3_1_1) throw new ArgumentException("MqttClient.ProtocolVersion is Version_3_1_1: the library hides the reason codes of 5.0.");
            _client = client;
            _clientId = brand + "_" + device;
            _user = brand + "/" + device;
            _password = secret;
            _keepAliveSeconds = keepAliveSeconds;
            _client.MqttMsgPublished += OnPublished;
            _client.MqttMsgSubscribed += OnSubscribedTo;
            _client.MqttMsgPublishReceived += OnReceived;
        }

        /// <inheritdoc/>
        public override bool IsConnected
        {
            get { return _client.IsConnected; }
        }

        /// <inheritdoc/>
        public override TransportStatus Connect(string lifeTopic, byte[] will)
        {
            lock (_gate) Array.Clear(_messageIds, 0, MostInFlight);
            try
            {
                MqttReasonCode code = _client.Connect(_clientId, _user, _password, false, MqttQoSLevel.AtMostOnce, false, null, null, true, _keepAliveSeconds);
                ReasonCode = (int)code;
                return code == MqttReasonCode.Success ? TransportStatus.Connected : TransportStatus.Broken;
            }
            catch (Exception)
            {
                return TransportStatus.Broken; // no route, no answer; a server that closes without CONNACK
            }
        }

        /// <inheritdoc/>
        public override bool Publish(int id, string topic, byte[] payload)
        {
            // Disconnected, the library would queue without end.
            if (!_client.IsConnected) return false;
            try
            {
                if (id == 0)
                {
                    _client.Publish(topic, payload, null, null, MqttQoSLevel.AtMostOnce, false);
                    return true;
                }

                // The answer may come before Publish has returned its number; it waits here until that is noted.
                lock (_gate)
                {
                    int free = FindMessage(0);
                    if (free < 0) return false;
                    _messageIds[free] = _client.Publish(topic, payload, null, null, MqttQoSLevel.AtLeastOnce, false);
                    _ids[free] = id;
                    return true;
                }
            }
            catch (Exception)
            {
                return false; // its queue is full, or it closed meanwhile
            }
        }

        /// <inheritdoc/>
        public override bool Subscribe(string topic)
        {
            if (!_client.IsConnected) return false;
            _downTopic = topic;
            try
            {
                _client.Subscribe(new string[] { topic }, new MqttQoSLevel[] { MqttQoSLevel.AtLeastOnce });
                return true;
            }
            catch (Exception)
            {
                return false;
            }
        }

        /// <inheritdoc/>
        public override void Close()
        {
            try
            {
                if (_client.IsConnected) _client.Disconnect();
                _client.Close();
            }
            catch (Exception)
            {
                // Closed is what was wanted; the next Connect begins with a new socket.
            }
        }

        private int FindMessage(int messageId)
        {
            for (int i = 0; i < MostInFlight; i++)
            {
                if (_messageIds[i] == messageId) return i;
            }

            return -1;
        }

        private void OnPublished(object sender, MqttMsgPublishedEventArgs e)
        {
            int id = 0;
            lock (_gate)
            {
                int slot = e.MessageId == 0 ? -1 : FindMessage(e.MessageId);
                if (slot < 0) return; // of another part of the firmware, or of a connection before
                _messageIds[slot] = 0;
                id = _ids[slot];
            }

            if (e.IsPublished) OnAcked(id, 0);
            else OnLost();
        }

        private void OnSubscribedTo(object sender, MqttMsgSubscribedEventArgs e)
        {
            // Another part of the firmware may subscribe as well; being told once too often does no harm.
            OnSubscribed(e.GrantedQoSLevels.Length > 0 ? (int)e.GrantedQoSLevels[0] : 0x80);
        }

        private void OnReceived(object sender, MqttMsgPublishEventArgs e)
        {
            // The library acks by itself. A Command that finds no room comes again: it is retained, and each connection subscribes anew.
            if (e.Topic == _downTopic) OnMessage(e.Message);
        }
    }
}
