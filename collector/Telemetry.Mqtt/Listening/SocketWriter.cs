using System.IO.Pipelines;
using System.Net.Sockets;

namespace Telemetry.Mqtt.Listening;

/// <summary>Sends on a socket what the <see cref="Connections.Outbox"/> gathered, from its own buffer: at once if the socket takes it, else as it does.</summary>
/// <remarks>One send at a time. It keeps no buffer, so only <see cref="WriteAsync"/> is offered.</remarks>
internal sealed class SocketWriter(Socket socket, PlainConnection connection) : PipeWriter
{
    private volatile bool _isSending;

    /// <inheritdoc/>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        int sent = socket.Send(source.Span, SocketFlags.None, out SocketError error);
        if (error is not (SocketError.Success or SocketError.WouldBlock)) throw new IOException("The peer reset the connection.", new SocketException((int)error));
        return sent == source.Length ? default : SendRestAsync(source[sent..], cancellationToken);
    }

    /// <summary>Gives up on a peer that does not take what is being sent.</summary>
    public override void CancelPendingFlush()
    {
        if (_isSending) connection.Abort();
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => connection.OnOutputCompleted();

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

    /// <inheritdoc/>
    public override void Advance(int bytes) => throw new NotSupportedException("Send by WriteAsync: this writer has no buffer.");

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException("Send by WriteAsync: this writer has no buffer.");

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException("Send by WriteAsync: this writer has no buffer.");

    private async ValueTask<FlushResult> SendRestAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellation)
    {
        _isSending = true;
        try
        {
            while (!rest.IsEmpty) rest = rest[await socket.SendAsync(rest, SocketFlags.None, cancellation).ConfigureAwait(false)..];
            return default;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("The peer did not take what was sent.", e);
        }
        finally
        {
            _isSending = false;
        }
    }
}
