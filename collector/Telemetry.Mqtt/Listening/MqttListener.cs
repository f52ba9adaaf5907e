using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Telemetry.Mqtt.Connections;

namespace Telemetry.Mqtt.Listening;

/// <summary>Listens for MQTT without TLS on a socket of its own, because a device that says nothing must cost next to nothing (README, "Two transports").</summary>
/// <remarks>A hosted service: it listens when the host has started it, and at stop waits for its connections, which the endpoint tells to end.</remarks>
public sealed class MqttListener : IHostedService, IDisposable
{
    /// <summary>Connections the kernel keeps while we accept others; it caps it at net.core.somaxconn.</summary>
    private const int Backlog = 4096;

    /// <summary>With no file descriptor left: how long until the next attempt.</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly MqttEndpoint _endpoint;
    private readonly IPEndPoint _address;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private long _lastId;

    // One for the accept loop, one for each open connection.
    private int _running = 1;

    internal MqttListener(MqttEndpoint endpoint, IPEndPoint address)
    {
        _endpoint = endpoint;
        _address = address;
    }

    /// <summary>Where it listens, with the port that was bound; only after the start.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener!.LocalEndPoint!;

    /// <summary>Binds and accepts.</summary>
    /// <param name="cancellationToken">Not used: binding does not wait.</param>
    /// <exception cref="IOException">The address is taken or not ours.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener = new Socket(_address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(_address);
            _listener.Listen(Backlog);
        }
        catch (SocketException e)
        {
            throw new IOException($"Failed to bind to address {_address}: {e.Message}.", e);
        }

        _accepting = AcceptAsync();
        return Task.CompletedTask;
    }

    /// <summary>Accepts no more and waits for the connections to end.</summary>
    /// <param name="cancellationToken">Ends the waiting; who is left is cut off with the process.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener?.Dispose();
        await _accepting.ConfigureAwait(false);
        OnClosed();
        await _drained.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>A connection, or at stop the accept loop, is done.</summary>
    internal void OnClosed()
    {
        if (Interlocked.Decrement(ref _running) == 0) _drained.TrySetResult();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener?.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener!.AcceptAsync(_stop.Token).ConfigureAwait(false);
                Interlocked.Increment(ref _running);
                ThreadPool.UnsafeQueueUserWorkItem(static accepted => accepted.Listener.Serve(accepted.Socket), (Listener: this, Socket: socket), preferLocal: false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                MqttLog.NotAccepted(_endpoint.Logger, e.SocketErrorCode);
                await Task.Delay(AcceptPause, _endpoint.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>The connection's task never fails and ends with <see cref="OnClosed"/>, by which it is awaited: a task of ours around each would cost more than the socket's buffer.</summary>
    private void Serve(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            socket.Blocking = false;
        }
        catch (SocketException)
        {
            // Gone since accept.
            socket.Dispose();
            OnClosed();
            return;
        }

        _ = new MqttConnection(new PlainConnection(socket, this, Interlocked.Increment(ref _lastId)), _endpoint).RunAsync();
    }
}
