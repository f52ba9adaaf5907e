using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Telemetry.Mqtt.Listening;

/// <summary>Reads a socket into one pooled buffer that is held only while bytes are in it: an idle connection has none.</summary>
/// <remarks>One reader, not thread-safe, except <see cref="CancelPendingRead"/>. What is read is always one segment; a packet longer than the buffer moves it
/// into one of twice the size, so its bound is the connection's largest packet.</remarks>
internal sealed class SocketReader(Socket socket, PlainConnection connection) : PipeReader
{
    /// <summary>A window of small publishes; grows by doubling while a packet needs it.</summary>
    private const int LeastBytes = 4 * 1024;

    private byte[]? _buffer;
    private int _start;
    private int _end;
    private bool _isExamined = true;
    private bool _isAtEnd;
    private volatile bool _isCanceled;

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (_isExamined && !_isAtEnd && !_isCanceled)
        {
            // Zero bytes: completes when there is something, and needs no buffer until then.
            try
            {
                await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);
                Receive();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                throw new IOException("The connection is gone.", e);
            }
        }

        return Result();
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        result = Result();
        return !_isExamined || _isAtEnd || _isCanceled;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_buffer is null) return;
        ReadOnlySequence<byte> read = Read();
        _isExamined = read.Slice(examined).IsEmpty;
        _start += (int)read.Slice(0, consumed).Length;
        if (_start == _end) Release();
    }

    /// <summary>Wakes the read for good: whoever calls this ends the connection.</summary>
    public override void CancelPendingRead()
    {
        _isCanceled = true;
        connection.Shutdown(SocketShutdown.Receive);
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (_buffer is not null) Release();
        connection.OnInputCompleted();
    }

    private ReadOnlySequence<byte> Read() => _buffer is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_buffer, _start, _end - _start);

    private ReadResult Result() => new(Read(), _isCanceled, _isAtEnd);

    private void Receive()
    {
        MakeRoom();
        int received = socket.Receive(_buffer.AsSpan(_end), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            if (_start == _end) Release();
            return;
        }

        if (error != SocketError.Success) throw new SocketException((int)error);
        _end += received;
        _isExamined = received == 0;
        _isAtEnd = received == 0;
        if (_start == _end) Release();
    }

    private void MakeRoom()
    {
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(LeastBytes);
            _start = _end = 0;
            return;
        }

        if (_end < _buffer.Length) return;
        int length = _end - _start;
        byte[] target = length > _buffer.Length / 2 ? ArrayPool<byte>.Shared.Rent(_buffer.Length * 2) : _buffer;
        _buffer.AsSpan(_start, length).CopyTo(target);
        if (target != _buffer) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (target, 0, length);
    }

    private void Release()
    {
        ArrayPool<byte>.Shared.Return(_buffer!);
        _buffer = null;
        _start = _end = 0;
        _isExamined = true;
    }
}
