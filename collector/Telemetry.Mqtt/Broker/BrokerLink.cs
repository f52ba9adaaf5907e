using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Telemetry.Mqtt.Packets;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Broker;

/// <summary>The collector as client of a broker that is already there: keeps one connection, comes back after a growing pause, and says how it stands.</summary>
public sealed class BrokerLink : BackgroundService
{
    private readonly ILogger<BrokerLink> _logger;
    private readonly Random _jitter;
    private readonly SessionTrust _trust;
    private volatile BrokerHealth _health;
    private bool _hadSession;
    private bool _isSessionPresent;
    private ConnackReply _granted;
    private int _failures;

    /// <summary>Makes the link; it connects once the host starts it.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="ingest">Where batches go.</param>
    /// <param name="time">Clock of pauses, keep alive and health.</param>
    /// <param name="logger">Where events 1250-1259 go.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the text names it.</exception>
    public BrokerLink(BrokerOptions options, IIngest ingest, TimeProvider time, ILogger<BrokerLink> logger)
    {
        options.Validate();
        (Options, Ingest, Time, _logger) = (options, ingest, time, logger);
        _trust = new SessionTrust(time);
        _jitter = new Random(string.GetHashCode(options.ClientId, StringComparison.Ordinal));
        _health = new BrokerHealth(options.Address, IsConnected: false, "Not connected yet.", time.GetUtcNow());
        Counters = new BrokerCounters(this);
        Commands = new CommandPosts(ingest, options.Version, options.MaxWatchedDevices);
    }

    /// <summary>Whether batches arrive, and if not, why and since when.</summary>
    public BrokerHealth Health => _health;

    internal BrokerOptions Options { get; }
    internal IIngest Ingest { get; }
    internal TimeProvider Time { get; }
    internal BrokerCounters Counters { get; }
    internal CommandPosts Commands { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        Commands.Dispose();
        Counters.Dispose();
    }

    /// <summary>One message: the topic says whose it is, because the broker lets a device publish only under its own.</summary>
    internal IngestTicket Take(ReadOnlySpan<byte> topic, in ReadOnlySequence<byte> payload)
    {
        if (!TopicName.TrySplitDevice(topic, out string username, out ReadOnlySpan<byte> leaf) || Ingest.FindDevice(username, "broker") is not { } device)
        {
            if (Interlocked.Increment(ref Counters.Unknown) == 1) MqttLog.BrokerDeviceUnknown(_logger, Options.Address, Encoding.UTF8.GetString(topic));
            return new IngestTicket(IngestOutcome.Refused, RefusalReason.NotAuthorized, 0, 0);
        }

        bool isBirth = leaf.SequenceEqual("life"u8);
        Commands.OnHeard(device, isBirth);
        if (isBirth)
        {
            Ingest.ReportLife(device, payload);
            return default;
        }

        IngestTicket ticket = Ingest.Submit(device, payload);
        Interlocked.Increment(ref ticket.Outcome == IngestOutcome.Refused ? ref Counters.Refused : ref Counters.Batches);
        return ticket;
    }

    /// <summary>The subscription stands: from here on the link counts as connected.</summary>
    internal void OnSubscribed(BrokerConnection connection)
    {
        // A broker that forgot us may have forgotten batches that it acknowledged to devices.
        if (_hadSession && !_isSessionPresent)
        {
            Interlocked.Increment(ref Counters.SessionsLost);
            MqttLog.BrokerSessionLost(_logger, Options.Address);
        }

        _hadSession = true;
        _failures = 0;
        _health = new BrokerHealth(Options.Address, IsConnected: true, "", Time.GetUtcNow());
        MqttLog.BrokerConnected(_logger, Options.Address, _isSessionPresent);
        Commands.Start(connection.Post, _granted.ReceiveMaximum, _granted.CanRetain);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            string reason = await RunOnceAsync(stoppingToken).ConfigureAwait(false);
            Commands.Stop();
            if (stoppingToken.IsCancellationRequested) return;

            // Since when it is down, not since the last attempt.
            _health = new BrokerHealth(Options.Address, IsConnected: false, reason, _health is { IsConnected: false, Since: var since } ? since : Time.GetUtcNow());
            TimeSpan pause = NextPause();
            MqttLog.BrokerLost(_logger, Options.Address, reason, (int)pause.TotalMilliseconds);
            await Task.Delay(pause, Time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Why the connection ended or did not come about.</returns>
    private async Task<string> RunOnceAsync(CancellationToken stop)
    {
        try
        {
            using CancellationTokenSource limit = new(Options.ConnectTimeout, Time);
            using CancellationTokenSource opening = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
            await using BrokerConnection connection = new(await OpenStreamAsync(opening.Token).ConfigureAwait(false), this);
            if (await GreetAsync(connection, opening.Token).ConfigureAwait(false) is not { } granted) return "It made our session and then answers no CONNECT for it; a new one is begun if it answers others.";
            _granted = granted;
            _isSessionPresent = _granted.IsSessionPresent;
            _trust.OnAccepted(_isSessionPresent);
            Interlocked.Increment(ref Counters.Connects);
            try
            {
                await connection.ServeAsync(stop).ConfigureAwait(false);
            }
            finally
            {
                _trust.OnEnded();
            }

            return "It ended.";
        }
        catch (OperationCanceledException)
        {
            return $"No answer within {Options.ConnectTimeout.TotalSeconds:F0} s.";
        }
        catch (Exception e) when (e is BrokerException or MqttProtocolException or IOException or SocketException or AuthenticationException or InvalidOperationException)
        {
            return e.Message;
        }
    }

    /// <returns>Null when this connection was not for our session: it asked under another name, or dropped ours so that the next one begins anew.</returns>
    private async Task<ConnackReply?> GreetAsync(BrokerConnection connection, CancellationToken cancellation)
    {
        bool isProbe = _trust.IsDoubted;
        try
        {
            if (isProbe || _trust.IsLost)
            {
                await connection.CallAsync(isProbe ? Options.ClientId + "-probe" : Options.ClientId, cancellation).ConfigureAwait(false);
                return null;
            }

            _trust.OnConnectSent();
            return await connection.OpenAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (connection.IsAnswered && isProbe) _trust.OnOtherAnswered();
            else if (connection.IsAnswered) _trust.OnAnswered();
        }
    }

    private async Task<Stream> OpenStreamAsync(CancellationToken cancellation)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(Options.Url.Host, Options.Port, cancellation).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (!Options.IsTls) return stream;

            SslStream tls = new(stream, leaveInnerStreamOpen: false);
            stream = tls;
            await tls.AuthenticateAsClientAsync(TlsOptions(), cancellation).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw;
        }
    }

    private SslClientAuthenticationOptions TlsOptions()
    {
        SslClientAuthenticationOptions options = new() { TargetHost = Options.Url.Host };
        if (Options.TrustedAuthorities is not { } authorities) return options;

        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        options.CertificateChainPolicy = policy;
        return options;
    }

    /// <summary>Doubled with each failure up to the bound, drawn from the upper half, so that collectors do not come back in step.</summary>
    private TimeSpan NextPause()
    {
        double doubled = Options.FirstRetryDelay.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30));
        return TimeSpan.FromMilliseconds(Math.Min(doubled, Options.LongestRetryDelay.TotalMilliseconds) * (0.5 + (_jitter.NextDouble() / 2)));
    }
}

/// <summary>How the link stands.</summary>
/// <param name="Address">Of the broker, without user.</param>
/// <param name="IsConnected">The subscription is granted and batches may arrive.</param>
/// <param name="Reason">Why not; empty when connected.</param>
/// <param name="Since">Since when.</param>
public sealed record BrokerHealth(string Address, bool IsConnected, string Reason, DateTimeOffset Since);
