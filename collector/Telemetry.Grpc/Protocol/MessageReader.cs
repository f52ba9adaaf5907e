using System.Buffers;
using System.IO.Pipelines;
using Telemetry.Wire;

namespace Telemetry.Grpc.Protocol;

/// <summary>The messages of one request body, in place. Use: <c>while (await reader.WaitAsync(ct)) while (reader.TryRead(out message)) ...</c>.</summary>
/// <remarks>One reader at a time. A message is borrowed from the pipe: it is valid until the next <see cref="TryRead"/> or <see cref="WaitAsync"/>.</remarks>
internal sealed class MessageReader(PipeReader body, int maxMessageBytes, bool gzip) : IDisposable
{
    private ReadOnlySequence<byte> _buffer;
    private SequencePosition _consumed;
    private bool _holdsBuffer;
    private bool _isCompleted;
    private GzipDecoder? _inflater;

    /// <summary>Messages read so far.</summary>
    public long Count { get; private set; }

    /// <summary>Waits until <see cref="TryRead"/> can yield a message.</summary>
    /// <returns>False at the end of the body.</returns>
    /// <exception cref="GrpcException">The body ends inside a message, or a message breaks a rule.</exception>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (_holdsBuffer)
            {
                // A whole message may stand here already: TryRead said no for lack of bytes, or was not called.
                if (!NeedsMore()) return true;
                if (_isCompleted)
                {
                    if (_buffer.IsEmpty) return false;
                    throw new GrpcException(GrpcStatusCode.Internal, $"The request ends {_buffer.Length} bytes into a message.");
                }

                body.AdvanceTo(_consumed, _buffer.End);
                _holdsBuffer = false;
            }

            ReadResult read = await body.ReadAsync(cancellation);
            if (read.IsCanceled) throw new OperationCanceledException("The read was cancelled by its own side.");
            _buffer = read.Buffer;
            _consumed = _buffer.Start;
            _isCompleted = read.IsCompleted;
            _holdsBuffer = true;
        }
    }

    /// <summary>Takes the next message that has arrived in full.</summary>
    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="GrpcException">The message breaks a rule of framing, size or compression.</exception>
    public bool TryRead(out ReadOnlySequence<byte> message)
    {
        DecodeStatus status = MessageFraming.TryRead(ref _buffer, maxMessageBytes, out bool isCompressed, out message, out GrpcStatus fault);
        if (status == DecodeStatus.Malformed) throw new GrpcException(fault);
        if (status == DecodeStatus.NeedMoreData) return false;
        _consumed = _buffer.Start;
        Count++;
        if (isCompressed) message = Inflate(message);
        return true;
    }

    public void Dispose()
    {
        if (_holdsBuffer) body.AdvanceTo(_consumed);
        _holdsBuffer = false;
        _inflater?.Dispose();
    }

    private bool NeedsMore()
    {
        ReadOnlySequence<byte> rest = _buffer;
        return MessageFraming.TryRead(ref rest, maxMessageBytes, out _, out _, out GrpcStatus fault) switch
        {
            DecodeStatus.NeedMoreData => true,
            DecodeStatus.Done => false,
            _ => throw new GrpcException(fault),
        };
    }

    private ReadOnlySequence<byte> Inflate(in ReadOnlySequence<byte> message)
    {
        if (!gzip) throw new GrpcException(GrpcStatusCode.Internal, "A message is marked compressed, but the call names no grpc-encoding.");
        _inflater ??= new GzipDecoder(maxMessageBytes);
        return _inflater.Decode(message);
    }
}
