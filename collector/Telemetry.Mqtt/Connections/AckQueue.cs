using System.Buffers;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>An acknowledgement that waits for the flush.</summary>
/// <param name="Position">Log position that must be durable first; 0 = nothing to wait for but its turn.</param>
/// <param name="PacketIdentifier">Of the PUBLISH.</param>
/// <param name="Type">PUBACK or PUBREC.</param>
/// <param name="Code">Its reason code.</param>
/// <param name="Why">Becomes the reason string in MQTT 5.0.</param>
internal readonly record struct PendingAck(long Position, ushort PacketIdentifier, PacketType Type, ReasonCode Code, RefusalReason Why);

/// <summary>A ring of acknowledgements in the order of their publishes (MQTT 5.0 [MQTT-4.6.0-2] asks it of clients; ours are as orderly).</summary>
/// <remarks>Not thread-safe: guarded by the outbox's gate. The ring is taken from the pool with the first entry and returned with the last.</remarks>
internal struct AckQueue
{
    private const int LeastEntries = 32;

    private PendingAck[]? _ring;
    private int _head;

    public int Count { get; private set; }

    /// <summary>The largest position in the queue: durable, it settles every entry.</summary>
    public long NewestPosition { get; private set; }

    public void Enqueue(in PendingAck ack)
    {
        if (_ring is null) _ring = ArrayPool<PendingAck>.Shared.Rent(LeastEntries);
        else if (Count == _ring.Length) Grow();

        _ring[(_head + Count) % _ring.Length] = ack;
        Count++;
        NewestPosition = Math.Max(NewestPosition, ack.Position);
    }

    /// <summary>Takes the oldest entry if it waits for nothing beyond <paramref name="durable"/>.</summary>
    public bool TryDequeue(long durable, out PendingAck ack)
    {
        ack = default;
        if (Count == 0 || _ring![_head].Position > durable) return false;

        ack = _ring[_head];
        _head = (_head + 1) % _ring.Length;
        if (--Count == 0) Clear();
        return true;
    }

    public void Clear()
    {
        if (_ring is not null) ArrayPool<PendingAck>.Shared.Return(_ring);
        _ring = null;
        _head = Count = 0;
        NewestPosition = 0;
    }

    private void Grow()
    {
        PendingAck[] larger = ArrayPool<PendingAck>.Shared.Rent(_ring!.Length * 2);
        int untilEnd = _ring.Length - _head;
        Array.Copy(_ring, _head, larger, 0, untilEnd);
        Array.Copy(_ring, 0, larger, untilEnd, _head);
        ArrayPool<PendingAck>.Shared.Return(_ring);
        _ring = larger;
        _head = 0;
    }
}
