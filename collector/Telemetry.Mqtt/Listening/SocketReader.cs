using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Telemetry.Mqtt.Listening;

/// <summary>Reads a socket into one pooled buffer that is held only while bytes are in it: an idle connection has none.</summary>
/// <remarks>One reader, not thread-safe, except <see cref="CancelPendingRead"/>. What is read is always one segment; a packet longer than the buffer moves it
/// into one of twice the size, so its bound is the connection's largest packet. The wait is this object itself, not a state machine beside it.</remarks>
internal sealed class SocketReader : PipeReader, IValueTaskSource<ReadResult>
{
    /// <summary>A window of small publishes; grows by doubling while a packet needs it.</summary>
    private const int LeastBytes = 4 * 1024;

    private readonly Socket _socket;
    private readonly PlainConnection _connection;
    private readonly ReadableArgs _readable;
    private ManualResetValueTaskSourceCore<ReadResult> _waiting;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private bool _isExamined = true;
    private bool _isAtEnd;
    private volatile bool _isCanceled;

    public SocketReader(Socket socket, PlainConnection connection)
    {
        (_socket, _connection) = (socket, connection);
        _readable = new ReadableArgs(this);
    }

    private bool HasResult => !_isExamined || _isAtEnd || _isCanceled;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (HasResult) return new ValueTask<ReadResult>(Result());
        _waiting.Reset();
        ValueTask<ReadResult> waiting = new(this, _waiting.Version);
        WaitOrComplete();
        return waiting;
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        result = Result();
        return HasResult;
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
        _connection.Shutdown(SocketShutdown.Receive);
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (_buffer is not null) Release();
        _readable.Dispose();
        _connection.OnInputCompleted();
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _waiting.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _waiting.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiting.OnCompleted(continuation, state, token, flags);

    /// <summary>Waits until something is there and reads it, as often as it takes; then completes the wait.</summary>
    private void WaitOrComplete()
    {
        try
        {
            while (!HasResult)
            {
                // Zero bytes: completes when there is something, and needs no buffer until then.
                if (_socket.ReceiveAsync(_readable)) return;
                Receive();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _waiting.SetException(new IOException("The connection is gone.", e));
            return;
        }

        _waiting.SetResult(Result());
    }

    private void OnReadable()
    {
        try
        {
            Receive();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _waiting.SetException(new IOException("The connection is gone.", e));
            return;
        }

        WaitOrComplete();
    }

    private ReadOnlySequence<byte> Read() => _buffer is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_buffer, _start, _end - _start);

    private ReadResult Result() => new(Read(), _isCanceled, _isAtEnd);

    private void Receive()
    {
        MakeRoom();
        int received = _socket.Receive(_buffer.AsSpan(_end), SocketFlags.None, out SocketError error);
        if (error is not (SocketError.Success or SocketError.WouldBlock)) throw new SocketException((int)error);

        if (error == SocketError.Success)
        {
            _end += received;
            _isExamined = received == 0;
            _isAtEnd = received == 0;
        }

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

    /// <summary>The one operation a waiting connection has.</summary>
    private sealed class ReadableArgs : SocketAsyncEventArgs
    {
        private readonly SocketReader _reader;

        public ReadableArgs(SocketReader reader)
            : base(true) // no execution context is carried along
        {
            _reader = reader;
            SetBuffer(Memory<byte>.Empty);
        }

        protected override void OnCompleted(SocketAsyncEventArgs e) => _reader.OnReadable();
    }
}
