using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Telemetry.Mqtt.Listening;
using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Connections;

/// <summary>One socket: reads packets, hands batches to ingest without waiting, and acknowledges behind the flush.</summary>
/// <remarks>One task reads; acknowledgements leave by a second one that lives while any are owed (<c>MqttConnection.Acks.cs</c>).
/// Between packets no buffer is held: both transports wait with zero-byte reads, and every whole packet is released before the next wait.</remarks>
internal sealed partial class MqttConnection(ConnectionContext connection, MqttEndpoint endpoint)
{
    /// <summary>Who is not authenticated may not make us buffer a whole batch.</summary>
    private const int MaxConnectBytes = 64 * 1024;

    /// <summary>A peer that is told to go has this long to take the rest and close.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);

    private readonly PipeReader _input = connection.Transport.Input;
    private readonly Outbox _outbox = new(connection.Transport.Output);

    private MqttVersion _version;
    private Session? _session;
    private BrandTurns? _turns;
    private long _lastReceivedMs = endpoint.NowMs;
    private long _keepAliveMs;
    private long _refusedSinceMs = -1;
    private EndReason? _endRequest;
    private CancellationTokenSource? _pause;

    /// <summary>Why the reading of a buffer stopped.</summary>
    private enum Step
    {
        /// <summary>Everything that is whole was read.</summary>
        NeedMoreData,

        /// <summary>A CONNECT was read; its credentials are to be checked.</summary>
        Authenticate,

        /// <summary>A 3.1.1 client has as many publishes in flight as it may: read on after the next flush.</summary>
        AwaitFlush,

        /// <summary>A 3.1.1 client's batch was refused for now: the same bytes are tried again.</summary>
        RetryLater,

        /// <summary>DISCONNECT.</summary>
        Ended,

        /// <summary>The peer closed without it.</summary>
        Lost,
    }

    /// <summary>Place in the <see cref="ConnectionTable"/>, which owns it.</summary>
    public int TableIndex { get; set; }

    /// <summary>Serves the socket; never throws.</summary>
    /// <remarks>The one state machine that a waiting connection holds: what a read needs stands in <see cref="Take"/>.</remarks>
    public async Task RunAsync()
    {
        EndReason? reason = null;
        bool hasRoom = endpoint.TryAdd(this);
        try
        {
            while (reason is null)
            {
                ReadResult read = await _input.ReadAsync().ConfigureAwait(false);
                if (_turns is not null) await _turns.TakeAsync().ConfigureAwait(false);
                Step step = TakeTurn(read, out int retryAfterMs);
                switch (step)
                {
                    case Step.Authenticate when hasRoom:
                        await AuthenticateAsync().ConfigureAwait(false);
                        break;
                    case Step.AwaitFlush:
                        await PauseAsync(WhenAcksSentAsync()).ConfigureAwait(false);
                        break;
                    case Step.RetryLater when !IsRefusedTooLong():
                        await PauseAsync(Task.Delay(TimeSpan.FromMilliseconds(retryAfterMs), endpoint.Time, connection.ConnectionClosed)).ConfigureAwait(false);
                        break;
                    case not Step.NeedMoreData:
                        reason = ReasonOf(step);
                        break;
                }

                // A peer that sends but does not take its answers is read no further.
                if (reason is null && IsSlow) await _outbox.WhenDrainedAsync().WaitAsync(connection.ConnectionClosed).ConfigureAwait(false);
            }
        }
        catch (MqttProtocolException e)
        {
            reason = e.Reason;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException)
        {
            reason = _endRequest ?? EndReasons.ConnectionLost;
        }
        catch (Exception e)
        {
            MqttLog.Failed(endpoint.Logger, e, connection.ConnectionId);
            reason = EndReasons.InternalError;
        }

        await EndAsync(reason).ConfigureAwait(false);
        (connection as PlainConnection)?.Release();
    }

    /// <summary>Asks the connection to end; from any thread, returns at once. The first reason counts.</summary>
    public void RequestEnd(EndReason reason)
    {
        if (Interlocked.CompareExchange(ref _endRequest, reason, null) is not null) return;
        _input.CancelPendingRead();
        CancelPause();
    }

    /// <summary>Called by the endpoint's timer.</summary>
    public void CheckTimeouts(long nowMs)
    {
        long silentMs = nowMs - Volatile.Read(ref _lastReceivedMs);
        bool isReading = Volatile.Read(ref _pause) is null;
        if (_session is null && silentMs > (long)endpoint.Options.ConnectTimeout.TotalMilliseconds) RequestEnd(EndReasons.ConnectTimeout);

        // One and a half times the keep alive; while we do not read, silence is ours.
        if (_keepAliveMs > 0 && isReading && silentMs >= _keepAliveMs * 3 / 2) RequestEnd(EndReasons.KeepAliveTimeout);
    }

    /// <summary>Reads what has come, and owes and sends what follows from it; then the turn is over.</summary>
    private Step TakeTurn(ReadResult result, out int retryAfterMs)
    {
        BrandTurns? turn = _turns; // none before CONNECT
        try
        {
            return Take(result, out retryAfterMs);
        }
        finally
        {
            turn?.Return();
        }
    }

    private Step Take(ReadResult result, out int retryAfterMs)
    {
        if (Volatile.Read(ref _endRequest) is { } request) throw new MqttProtocolException(request);

        ReadOnlySequence<byte> rest = result.Buffer;
        Volatile.Write(ref _lastReceivedMs, endpoint.NowMs);
        Step step;
        try
        {
            step = ReadBuffer(ref rest, out retryAfterMs);
        }
        finally
        {
            // What was read before a fault counts; and acknowledgements owed so far are still earned.
            StartAcks();
            _outbox.Flush();
        }

        _input.AdvanceTo(rest.Start, step == Step.NeedMoreData ? rest.End : rest.Start);
        if (step != Step.RetryLater) _refusedSinceMs = -1;
        return step == Step.NeedMoreData && result.IsCompleted ? Step.Lost : step;
    }

    private bool IsRefusedTooLong()
    {
        if (_refusedSinceMs < 0) _refusedSinceMs = endpoint.NowMs;
        return endpoint.NowMs - _refusedSinceMs > (long)endpoint.Options.MaxRefusalPause.TotalMilliseconds;
    }

    private EndReason ReasonOf(Step step) => step switch
    {
        Step.Authenticate => EndReasons.TooManyConnections,
        Step.RetryLater => EndReasons.BatchRefused,
        Step.Ended => _disconnectReason!,
        _ => EndReasons.ConnectionLost,
    };

    /// <summary>Reads every whole packet at the start of <paramref name="rest"/> and moves it behind what was consumed.</summary>
    private Step ReadBuffer(ref ReadOnlySequence<byte> rest, out int retryAfterMs)
    {
        retryAfterMs = 0;
        byte[]? scratch = null;
        int publishes = 0;
        try
        {
            while (true)
            {
                DecodeStatus status = FixedHeader.TryRead(rest, out FixedHeader header, out int headerBytes);
                if (status == DecodeStatus.NeedMoreData) return Step.NeedMoreData;
                if (status == DecodeStatus.Malformed) throw new MqttProtocolException(EndReasons.VariableByteIntegerMalformed);
                if (headerBytes + header.RemainingLength > MaxPacketBytes(header)) throw new MqttProtocolException(EndReasons.PacketTooLarge);
                if (rest.Length - headerBytes < header.RemainingLength) return Step.NeedMoreData;

                ReadOnlySequence<byte> body = rest.Slice(headerBytes, header.RemainingLength);
                Step? stop = null;
                if (header.Type == PacketType.Publish && _session is not null)
                {
                    publishes++;
                    stop = OnPublish(body, header.Flags, ref scratch, out retryAfterMs);
                }
                else
                {
                    stop = OnPacket(header, Contiguous(body, ref scratch));
                }

                if (stop is Step.RetryLater or Step.AwaitFlush) return stop.Value;
                rest = rest.Slice(body.End);
                if (stop is not null) return stop.Value;
            }
        }
        finally
        {
            if (publishes > 0) Interlocked.Add(ref endpoint.Counters.Publishes, publishes);
            if (scratch is not null) ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private int MaxPacketBytes(FixedHeader header)
    {
        if (_session is not null) return endpoint.Options.MaxPacketBytes;
        return header.Type == PacketType.Connect ? MaxConnectBytes : throw new MqttProtocolException(EndReasons.FirstPacketNotConnect);
    }

    private Step? OnPacket(FixedHeader header, ReadOnlySpan<byte> body)
    {
        int expectedFlags = header.Type is PacketType.Pubrel or PacketType.Subscribe or PacketType.Unsubscribe ? 2 : 0;
        if (header.Flags != expectedFlags) throw new MqttProtocolException(EndReasons.FlagsMalformed);

        PacketReader reader = new(body);
        switch (header.Type)
        {
            case PacketType.Connect:
                OnConnect(ref reader);
                return Step.Authenticate;
            case PacketType.Puback or PacketType.Pubrec or PacketType.Pubrel or PacketType.Pubcomp:
                OnAck(header.Type, ref reader);
                return null;
            case PacketType.Subscribe:
                OnSubscribe(ref reader);
                return null;
            case PacketType.Unsubscribe:
                OnUnsubscribe(ref reader);
                return null;
            case PacketType.Pingreq:
                if (reader.Remaining > 0) throw new MqttProtocolException(EndReasons.TrailingBytes);
                Send([(byte)PacketType.Pingresp << 4, 0]);
                return null;
            case PacketType.Disconnect:
                OnDisconnect(ref reader);
                return Step.Ended;
            default:
                throw new MqttProtocolException(EndReasons.PacketTypeUnexpected);
        }
    }

    private static ReadOnlySpan<byte> Contiguous(in ReadOnlySequence<byte> body, ref byte[]? scratch)
    {
        if (body.IsSingleSegment) return body.FirstSpan;
        if (scratch is not null) ArrayPool<byte>.Shared.Return(scratch);
        scratch = ArrayPool<byte>.Shared.Rent((int)body.Length);
        body.CopyTo(scratch);
        return scratch.AsSpan(0, (int)body.Length);
    }

    /// <summary>Waits without reading; keep alive stands still, and <see cref="RequestEnd"/> wakes it.</summary>
    private async Task PauseAsync(Task until)
    {
        using CancellationTokenSource pause = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        Volatile.Write(ref _pause, pause);
        try
        {
            if (Volatile.Read(ref _endRequest) is null) await until.WaitAsync(pause.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Told to end, or the socket is gone: the next read says so.
        }
        finally
        {
            lock (_outbox.Gate) _pause = null;
            Volatile.Write(ref _lastReceivedMs, endpoint.NowMs);
        }
    }

    private void CancelPause()
    {
        lock (_outbox.Gate) _ = _pause?.CancelAsync();
    }
}
