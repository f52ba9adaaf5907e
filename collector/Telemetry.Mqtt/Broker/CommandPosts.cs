using Google.Protobuf;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Mqtt.Broker;

/// <summary>Commands on their way back through the broker: retained on the device's <c>down</c> topic, the newest only, each again until it is acknowledged.</summary>
/// <remarks>
/// Thread-safe. A Command lies at the broker for an unknown time, so the collector's clock is taken out of it; a device behind a broker has its time from elsewhere.
/// So is the reconnect window: these devices come back to the broker, and what that can take is not ours to say.
/// A device whose Command orders nothing gets none, unless it had one before that must be replaced.
/// </remarks>
internal sealed class CommandPosts(IIngest ingest, MqttVersion version, int maxWatched) : IDisposable
{
    /// <summary>In flight at most, below what the broker allows.</summary>
    private const int MaxInFlight = 64;

    /// <summary>Holds the place of a packet identifier while its Command is asked for.</summary>
    private static readonly byte[] NotYetWritten = [];

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, Post> _posts = [];
    private readonly Queue<Post> _due = new();
    private readonly Dictionary<ushort, byte[]> _inFlight = [];
    private PacketSender? _send;
    private int _window;
    private bool _canRetain;
    private ushort _lastIdentifier;

    /// <summary>Hands a whole packet to the socket; never blocks.</summary>
    public delegate void PacketSender(ReadOnlySpan<byte> packet);

    /// <summary>A device was heard: from now on its Command is watched, and at a birth it is posted.</summary>
    public void OnHeard(IngestSession device, bool isBirth)
    {
        Post? post;
        bool isNew = false;
        lock (_gate)
        {
            if (!_posts.TryGetValue(device.DeviceKey, out post))
            {
                if (_posts.Count >= maxWatched && !isBirth) return;
                post = new Post(device);
                isNew = _posts.Count < maxWatched && _posts.TryAdd(device.DeviceKey, post);
            }
        }

        // Not under the gate: ingest may be calling back at this moment.
        if (isNew) post.Watch = ingest.OnCommandChanged(device, () => MakeDue(post));
        if (isNew || isBirth) MakeDue(post);
    }

    /// <summary>A new connection: what was in flight goes again under its identifier with DUP (MQTT 5.0 and 3.1.1 [MQTT-4.4.0-1]), then what is due.</summary>
    public void Start(PacketSender send, int receiveMaximum, bool canRetain)
    {
        lock (_gate)
        {
            (_send, _window, _canRetain) = (send, Math.Min(MaxInFlight, receiveMaximum), canRetain);
            foreach (byte[] packet in _inFlight.Values)
            {
                if (packet.Length == 0) continue;
                packet[0] |= 0x08;
                send(packet);
            }
        }

        SendDue();
    }

    /// <summary>The connection is gone; what is due waits.</summary>
    public void Stop()
    {
        lock (_gate) _send = null;
    }

    /// <summary>PUBACK from the broker.</summary>
    public void OnAcknowledged(ushort id)
    {
        lock (_gate) _inFlight.Remove(id);
        SendDue();
    }

    public void Dispose()
    {
        Post[] posts;
        lock (_gate) posts = [.. _posts.Values];
        foreach (Post post in posts) post.Watch?.Dispose();
    }

    private void MakeDue(Post post)
    {
        lock (_gate)
        {
            if (post.IsDue) return;
            post.IsDue = true;
            _due.Enqueue(post);
        }

        SendDue();
    }

    private void SendDue()
    {
        while (true)
        {
            Post? post;
            ushort id;
            lock (_gate)
            {
                if (_send is null || _inFlight.Count >= _window || !_due.TryDequeue(out post)) return;
                post.IsDue = false;
                id = NextIdentifier();
                _inFlight[id] = NotYetWritten;
            }

            // Asked for outside the gate; a change in between makes it due again, so the newest is always the last to go.
            byte[] command = CommandOf(post.Device, out bool ordersNothing);
            lock (_gate)
            {
                if (ordersNothing && !post.HasBeenSent)
                {
                    _inFlight.Remove(id);
                    continue;
                }

                post.HasBeenSent = true;
                byte[] packet = BrokerPackets.Publish(version, Topics.Down(post.Device.Brand, post.Device.Device), id, _canRetain, command);
                _inFlight[id] = packet;
                _send?.Invoke(packet);
            }
        }
    }

    private byte[] CommandOf(IngestSession device, out bool ordersNothing)
    {
        Command command = Command.Parser.ParseFrom(ingest.CurrentCommand(device, WireLimits.MaxUntoldCommandBytes).Span);
        command.ServerUnixMs = 0;
        command.ServerErrorMs = 0;
        command.ReconnectWindow = null;
        byte[] bytes = command.ToByteArray();
        ordersNothing = bytes.Length == 0; // a version alone says that there were orders once, which the broker may still hold
        return bytes;
    }

    private ushort NextIdentifier()
    {
        do
        {
            _lastIdentifier = _lastIdentifier == ushort.MaxValue ? (ushort)1 : (ushort)(_lastIdentifier + 1);
        }
        while (_inFlight.ContainsKey(_lastIdentifier));

        return _lastIdentifier;
    }

    private sealed class Post(IngestSession device)
    {
        public IngestSession Device { get; } = device;
        public bool IsDue { get; set; }
        public bool HasBeenSent { get; set; }
        public IDisposable? Watch { get; set; }
    }
}
