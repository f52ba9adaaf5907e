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
        Release();
        await _drained.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
                ThreadPool.UnsafeQueueUserWorkItem(static accepted => _ = accepted.Listener.ServeAsync(accepted.Socket), (Listener: this, Socket: socket), preferLocal: false);
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

    /// <summary>Never throws, and is awaited by count.</summary>
    private async Task ServeAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            socket.Blocking = false;
            await new MqttConnection(new PlainConnection(socket, Interlocked.Increment(ref _lastId)), _endpoint).RunAsync().ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // Gone between accept and the first setting.
        }
        finally
        {
            Close(socket);
            Release();
        }
    }

    /// <summary>Takes what the peer still sent, so that the kernel closes in order and does not reset the last answer away.</summary>
    private static void Close(Socket socket)
    {
        try
        {
            Span<byte> rest = stackalloc byte[512];
            for (int i = 0; i < 128 && socket.Receive(rest, SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success; i++)
            {
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // Aborted: nothing is left to be taken.
        }

        socket.Dispose();
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _running) == 0) _drained.TrySetResult();
    }
}
