using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Channels;
using Telemetry.Mqtt.Connections;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Broker;

/// <summary>One connection to the broker: takes batches in their order, acknowledges each behind the flush that made it durable.</summary>
/// <remarks>Three tasks: one reads, one acknowledges, one keeps alive. Whichever fails first ends the connection and names the reason.</remarks>
internal sealed class BrokerConnection : IAsyncDisposable
{
    private const ushort SubscribeIdentifier = 1;

    private readonly Stream _stream;
    private readonly BrokerLink _link;
    private readonly PipeReader _input;
    private readonly Outbox _outbox;

    /// <summary>Acknowledgements owed, in the order of their batches. Full = the socket is read no further.</summary>
    private readonly Channel<PendingAck> _owed;

    private TimeSpan _keepAlive;
    private long _packets;
    private volatile bool _isPaused;

    public BrokerConnection(Stream stream, BrokerLink link)
    {
        _stream = stream;
        _link = link;
        _keepAlive = link.Options.KeepAlive;
        _input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        _outbox = new Outbox(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
        _owed = Channel.CreateBounded<PendingAck>(new BoundedChannelOptions(link.Options.MaxInFlight) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>The broker said something to CONNECT.</summary>
    public bool IsAnswered { get; private set; }

    private MqttVersion Version => _link.Options.Version;

    /// <summary>CONNECT, then SUBSCRIBE; what waited in the stored session may arrive before SUBACK and stays in the buffer.</summary>
    /// <exception cref="BrokerException">The broker refuses.</exception>
    public async Task<ConnackReply> OpenAsync(CancellationToken cancellation)
    {
        Send(BrokerPackets.Connect(_link.Options));
        _outbox.Flush();
        ConnackReply reply = await ReadConnackAsync(cancellation).ConfigureAwait(false);
        if (reply.KeepAliveSeconds is > 0 and { } seconds) _keepAlive = TimeSpan.FromSeconds(seconds);
        Send(BrokerPackets.Subscribe(_link.Options, SubscribeIdentifier));
        _outbox.Flush();
        return reply;
    }

    /// <summary>Connects and leaves again with a clean session, which takes the place of a stored one of that name and ends with this connection, in either version.</summary>
    /// <param name="clientId">Ours, to drop our session, or another, to hear whether the broker answers.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="BrokerException">The broker refuses.</exception>
    public async Task CallAsync(string clientId, CancellationToken cancellation)
    {
        Send(BrokerPackets.Connect(_link.Options with { ClientId = clientId }, isClean: true));
        _outbox.Flush();
        await ReadConnackAsync(cancellation).ConfigureAwait(false);
        await LeaveAsync().ConfigureAwait(false);
    }

    /// <summary>Serves until the connection breaks or is told to stop; when told, what was taken is still acknowledged.</summary>
    public async Task ServeAsync(CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task acking = SendAcksAsync();
        Task[] tasks = [ReadAsync(end.Token), KeepAliveAsync(end.Token), acking];
        Task first = await Task.WhenAny(tasks).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);

        _owed.Writer.TryComplete();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stop.IsCancellationRequested) await LeaveAsync().ConfigureAwait(false);
        await first.ConfigureAwait(false);
    }

    /// <summary>Sends a packet that was written before; from any thread.</summary>
    public void Post(ReadOnlySpan<byte> packet)
    {
        Send(packet);
        _outbox.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _outbox.CloseAsync().ConfigureAwait(false);
        await _input.CompleteAsync().ConfigureAwait(false);
    }

    private async Task LeaveAsync()
    {
        Post(BrokerPackets.Disconnect);
        await _outbox.WhenDrainedAsync().WaitAsync(TimeSpan.FromSeconds(5), _link.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<ConnackReply> ReadConnackAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult result = await _input.ReadAsync(cancellation).ConfigureAwait(false);
            if (TryReadPacket(result.Buffer, out FixedHeader header, out ReadOnlySequence<byte> body))
            {
                IsAnswered = true;
                if (header.Type != PacketType.Connack) throw new BrokerException($"It answered CONNECT with packet type {(int)header.Type}; CONNACK (2) is expected.");
                ConnackReply reply = ParseConnack(body);
                _input.AdvanceTo(body.End);
                return reply.Code == 0 ? reply : throw new BrokerException($"It refused CONNECT with code 0x{reply.Code:X2}.");
            }

            if (result.IsCompleted) throw new BrokerException("It closed the connection before CONNACK.");
            _input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private ConnackReply ParseConnack(in ReadOnlySequence<byte> body)
    {
        PacketReader reader = new(body.ToArray());
        return BrokerPackets.TryReadConnack(ref reader, Version, out ConnackReply reply) == DecodeStatus.Done ? reply : throw new MqttProtocolException(reader.Fault);
    }

    private async Task ReadAsync(CancellationToken end)
    {
        while (true)
        {
            ReadResult result = await _input.ReadAsync(end).ConfigureAwait(false);
            ReadOnlySequence<byte> rest = result.Buffer;
            while (TryReadPacket(rest, out FixedHeader header, out ReadOnlySequence<byte> body))
            {
                Interlocked.Increment(ref _packets);
                if (header.Type == PacketType.Publish) await TakeAsync(header, body, end).ConfigureAwait(false);
                else OnPacket(header, body.ToArray());
                rest = rest.Slice(body.End);
            }

            _input.AdvanceTo(rest.Start, rest.End);
            if (result.IsCompleted) throw new BrokerException("It closed the connection.");
        }
    }

    private bool TryReadPacket(in ReadOnlySequence<byte> input, out FixedHeader header, out ReadOnlySequence<byte> body)
    {
        body = default;
        DecodeStatus status = FixedHeader.TryRead(input, out header, out int headerBytes);
        if (status == DecodeStatus.Malformed) throw new MqttProtocolException(EndReasons.VariableByteIntegerMalformed);
        if (status == DecodeStatus.NeedMoreData) return false;
        if (headerBytes + header.RemainingLength > _link.Options.MaxPacketBytes) throw new MqttProtocolException(EndReasons.PacketTooLarge);
        if (input.Length < headerBytes + header.RemainingLength) return false;
        body = input.Slice(headerBytes, header.RemainingLength);
        return true;
    }

    /// <summary>One PUBLISH. Refused for now = the same bytes are tried again and nothing behind them is read: the broker is the queue.</summary>
    private async ValueTask TakeAsync(FixedHeader header, ReadOnlySequence<byte> body, CancellationToken end)
    {
        while (true)
        {
            IngestTicket ticket = Submit(header, body, out int qos, out ushort id);
            if (ticket is { Outcome: IngestOutcome.Refused, RetryAfterMs: > 0 })
            {
                _isPaused = true;
                await Task.Delay(TimeSpan.FromMilliseconds(ticket.RetryAfterMs), _link.Time, end).ConfigureAwait(false);
                _isPaused = false;
                continue;
            }

            // What is refused for good is acknowledged too, in 5.0 with the reason: a broker would bring it back for ever.
            if (qos == 0) return;
            PendingAck ack = new(ticket.Position, id, PacketType.Puback, Refusals.CodeOf(ticket), ticket.Reason);
            if (_owed.Writer.TryWrite(ack)) return;
            _isPaused = true;
            await _owed.Writer.WriteAsync(ack, end).ConfigureAwait(false);
            _isPaused = false;
            return;
        }
    }

    private IngestTicket Submit(FixedHeader header, in ReadOnlySequence<byte> body, out int qos, out ushort id)
    {
        byte[]? scratch = null;
        try
        {
            if (PublishPacket.TryRead(body, header.Flags, Version, ref scratch, out PublishPacket packet, out EndReason fault) != DecodeStatus.Done) throw new MqttProtocolException(fault);
            (qos, id) = (packet.Qos, packet.PacketIdentifier);
            if (qos == 2) throw new BrokerException("It sent QoS 2 to a subscription of QoS 1.");
            return _link.Take(packet.Topic, packet.Payload);
        }
        finally
        {
            if (scratch is not null) ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private void OnPacket(FixedHeader header, ReadOnlySpan<byte> body)
    {
        PacketReader reader = new(body);
        switch (header.Type)
        {
            case PacketType.Suback:
                CheckGranted(body);
                break;
            case PacketType.Puback:
                if (AckPacket.TryRead(ref reader, Version, out AckPacket ack) != DecodeStatus.Done) throw new MqttProtocolException(reader.Fault);
                _link.Commands.OnAcknowledged(ack.PacketIdentifier);
                break;
            case PacketType.Pingresp:
                break;
            case PacketType.Disconnect:
                throw new BrokerException($"It sent DISCONNECT with reason 0x{(body.IsEmpty ? 0 : body[0]):X2}.");
            default:
                throw new BrokerException($"It sent packet type {(int)header.Type}, which it may not.");
        }
    }

    /// <summary>Every filter at QoS 1, or nothing: with QoS 0 the broker would not wait for our flush.</summary>
    private void CheckGranted(ReadOnlySpan<byte> body)
    {
        int filters = _link.Options.Filters.Count;
        if (body.Length < 2 + filters) throw new BrokerException($"Its SUBACK has {body.Length} bytes for {filters} filters.");
        ReadOnlySpan<byte> codes = body[^filters..];
        for (int i = 0; i < codes.Length; i++)
        {
            if (codes[i] != 1) throw new BrokerException($"It granted 0x{codes[i]:X2} for {_link.Options.Filters[i]}; QoS 1 (0x01) is needed. Look at its access rules and whether it offers shared subscriptions.");
        }

        _link.OnSubscribed(this);
    }

    private async Task SendAcksAsync()
    {
        List<PendingAck> group = new(_link.Options.MaxInFlight);
        while (await _owed.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            long newest = 0;
            while (group.Count < group.Capacity && _owed.Reader.TryRead(out PendingAck ack))
            {
                group.Add(ack);
                newest = Math.Max(newest, ack.Position);
            }

            if (!await _link.Ingest.WaitDurableAsync(newest, CancellationToken.None).ConfigureAwait(false)) throw new BrokerException("The log takes no writes; nothing was acknowledged.");
            foreach (PendingAck ack in group) SendPuback(ack);
            _outbox.Flush();
            Interlocked.Add(ref _link.Counters.Acks, group.Count);
            group.Clear();
        }
    }

    private void SendPuback(in PendingAck ack)
    {
        Span<byte> packet = stackalloc byte[AckPacket.ShortBytes + 1];
        packet = packet[..AckPacket.SizeOf(Version, ack.Code, default)];
        AckPacket.Write(packet, PacketType.Puback, Version, ack.PacketIdentifier, ack.Code, default);
        Send(packet);
    }

    /// <summary>Two pings a keep alive. A broker that sent nothing between two of them, while we did read, is gone.</summary>
    private async Task KeepAliveAsync(CancellationToken end)
    {
        using PeriodicTimer timer = new(_keepAlive / 2, _link.Time);
        long seen = -1;
        while (await timer.WaitForNextTickAsync(end).ConfigureAwait(false))
        {
            long now = Interlocked.Read(ref _packets);
            if (now == seen && !_isPaused) throw new BrokerException($"It sent nothing for {_keepAlive.TotalSeconds:F0} s.");
            seen = _isPaused ? -1 : now;
            Post(BrokerPackets.Pingreq);
        }
    }

    private void Send(ReadOnlySpan<byte> packet)
    {
        lock (_outbox.Gate) packet.CopyTo(_outbox.Append(packet.Length));
    }
}

/// <summary>The broker cannot be used as it is; the text says what it did and what is needed.</summary>
internal sealed class BrokerException(string text) : Exception(text);
