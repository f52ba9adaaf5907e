using System.Buffers;
using System.IO.Pipelines;

namespace Telemetry.Mqtt.Connections;

/// <summary>What is to be sent on one socket: written by any thread under <see cref="Gate"/>, flushed by whoever comes first.</summary>
/// <remarks>A <see cref="PipeWriter"/> may not be written while its flush runs; so packets gather in a pooled buffer, and one write at a time
/// takes that buffer as it is while the next one is filled. While nothing is to be sent no buffer is held: an idle session costs only this object.</remarks>
internal sealed class Outbox(PipeWriter output)
{
    private byte[]? _buffer;
    private int _length;
    private bool _isFlushing;
    private bool _isClosed;
    private Task _flush = Task.CompletedTask;
    private TaskCompletionSource? _drained;

    /// <summary>Held while a packet is written and while acknowledgements are taken from their queue, so that they leave in that order.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Bytes gathered and not yet given to the socket.</summary>
    public int Length => Volatile.Read(ref _length);

    /// <summary>Room for one packet of exactly <paramref name="bytes"/>; the caller holds <see cref="Gate"/> and fills all of it.</summary>
    public Span<byte> Append(int bytes)
    {
        if (_buffer is null || _buffer.Length - _length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes, 256));
            if (_buffer is not null)
            {
                _buffer.AsSpan(0, _length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_buffer);
            }

            _buffer = larger;
        }

        Span<byte> room = _buffer.AsSpan(_length, bytes);
        _length += bytes;
        return room;
    }

    /// <summary>Sends what was gathered, unless a flush that runs will do it. Never blocks; the caller does not hold <see cref="Gate"/>.</summary>
    public void Flush()
    {
        lock (Gate)
        {
            if (_isFlushing || _length == 0) return;
            _isFlushing = true;
        }

        Task flush = FlushAsync();
        if (!flush.IsCompleted) _flush = flush;
    }

    /// <summary>Completes when everything gathered so far was given to the socket or the socket is gone.</summary>
    public Task WhenDrainedAsync()
    {
        lock (Gate)
        {
            if (_length == 0 && !_isFlushing) return Task.CompletedTask;
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }

    /// <summary>Drops what is still to be sent and waits for the flush that runs; the pipe is completed by its owner afterwards.</summary>
    public async Task CloseAsync()
    {
        lock (Gate) _isClosed = true;
        output.CancelPendingFlush();
        await _flush.ConfigureAwait(false);
        lock (Gate) Release();
    }

    private async Task FlushAsync()
    {
        while (true)
        {
            byte[] sending;
            int bytes;
            lock (Gate)
            {
                if (_isClosed || _length == 0)
                {
                    _isFlushing = false;
                    Release();
                    _drained?.TrySetResult();
                    _drained = null;
                    return;
                }

                (sending, bytes) = (_buffer!, _length);
                _buffer = null;
                _length = 0;
            }

            try
            {
                FlushResult result = await output.WriteAsync(sending.AsMemory(0, bytes)).ConfigureAwait(false);
                if (result.IsCompleted) lock (Gate) _isClosed = true;
            }
            catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
            {
                // The socket is gone; the read loop learns it by itself and names the reason.
                lock (Gate) _isClosed = true;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(sending);
            }
        }
    }

    private void Release()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _length = 0;
    }
}
