using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Telemetry.Mqtt.Listening;

/// <summary>An accepted socket as Kestrel would hand it over, and nothing beside it: no pipes, no features, no timers.</summary>
internal sealed class PlainConnection : ConnectionContext, IDuplexPipe
{
    /// <summary>64 KiB of a peer that goes on sending are taken at the end, no more.</summary>
    private const int MostRests = 128;

    private static readonly CancellationToken Closed = new(canceled: true);

    private readonly Socket _socket;
    private readonly MqttListener _listener;
    private readonly long _id;
    private CancellationTokenSource? _closing;
    private int _state;

    public PlainConnection(Socket socket, MqttListener listener, long id)
    {
        (_socket, _listener, _id) = (socket, listener, id);
        Input = new SocketReader(socket, this);
        Output = new SocketWriter(socket, this);
    }

    [Flags]
    private enum State
    {
        InputCompleted = 1,
        OutputCompleted = 2,
        Aborted = 4,
    }

    public PipeReader Input { get; }
    public PipeWriter Output { get; }

    /// <summary>Made when asked for: mostly it never is.</summary>
    public override string ConnectionId
    {
        get => $"mqtt-{_id}";
        set => throw new NotSupportedException();
    }

    public override IDuplexPipe Transport
    {
        get => this;
        set => throw new NotSupportedException();
    }

    public override IFeatureCollection Features => throw new NotSupportedException();

    public override IDictionary<object, object?> Items
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends when both directions were completed, or by <see cref="Abort()"/>. Made when asked for.</summary>
    public override CancellationToken ConnectionClosed
    {
        get
        {
            if (IsClosed) return Closed;
            CancellationTokenSource closing = LazyInitializer.EnsureInitialized(ref _closing);
            if (IsClosed) closing.Cancel();
            return closing.Token;
        }
        set => throw new NotSupportedException();
    }

    private bool IsClosed => Volatile.Read(ref _state) is int state && ((State)state >= State.Aborted || (State)state == (State.InputCompleted | State.OutputCompleted));

    /// <summary>Cuts the peer off: what it has not taken is dropped.</summary>
    public override void Abort(ConnectionAbortedException abortReason) => Abort();

    /// <inheritdoc cref="Abort(ConnectionAbortedException)"/>
    public override void Abort()
    {
        _socket.Close(timeout: 0);
        Set(State.Aborted);
    }

    /// <summary>Nobody uses the connection any more: closes the socket and tells the listener.</summary>
    public void Release()
    {
        // Takes what the peer still sent, so that the kernel closes in order and does not reset the last answer away.
        try
        {
            Span<byte> rest = stackalloc byte[512];
            for (int i = 0; i < MostRests && _socket.Receive(rest, SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success; i++)
            {
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // Aborted: nothing is left to be taken.
        }

        _socket.Dispose();
        _listener.OnClosed();
    }

    public void OnInputCompleted() => Set(State.InputCompleted);

    /// <summary>Everything was sent; the peer is told so.</summary>
    public void OnOutputCompleted()
    {
        Shutdown(SocketShutdown.Send);
        Set(State.OutputCompleted);
    }

    /// <summary>Shuts down one direction; a socket that is gone already needs nothing.</summary>
    public void Shutdown(SocketShutdown direction)
    {
        try
        {
            _socket.Shutdown(direction);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone, which is what was wanted.
        }
    }

    private void Set(State state)
    {
        Interlocked.Or(ref _state, (int)state);
        if (IsClosed) Volatile.Read(ref _closing)?.Cancel();
    }
}
