using System.Security.Cryptography;
using System.Text;
using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>CONNECT and CONNACK, MQTT 5.0 and 3.1.1 sections 3.1 and 3.2.</summary>
internal sealed partial class MqttConnection
{
    /// <summary>"Does not expire" of MQTT 5.0 section 3.1.2.11.2; ours ends at the option.</summary>
    private const uint NeverExpires = uint.MaxValue;

    private ConnectRequest? _request;
    private uint _clientMaximumPacketSize = uint.MaxValue;
    private ushort _clientTopicAliasMaximum;
    private bool _wantsProblemInformation = true;

    private uint MaxSessionExpirySeconds => (uint)endpoint.Options.MaxSessionExpiry.TotalSeconds;

    private static void Require(DecodeStatus status, ref PacketReader reader)
    {
        if (status != DecodeStatus.Done) throw new MqttProtocolException(reader.Fault);
    }

    private void OnConnect(ref PacketReader reader)
    {
        if (_session is not null) throw new MqttProtocolException(EndReasons.SecondConnect);

        DecodeStatus status = ConnectPacket.TryRead(ref reader, out ConnectPacket packet);
        _version = packet.Version;
        Require(status, ref reader);

        if (packet.Properties.Has(PropertyId.MaximumPacketSize)) _clientMaximumPacketSize = packet.Properties.MaximumPacketSize;
        if (packet.Properties.Has(PropertyId.ReceiveMaximum)) ClientReceiveMaximum = packet.Properties.ReceiveMaximum;
        if (packet.Properties.Has(PropertyId.AuthenticationMethod)) throw new MqttProtocolException(EndReasons.AuthenticationMethodUnsupported);
        bool isNameless = packet.ClientIdentifier.IsEmpty && !packet.IsCleanStart;
        if (isNameless && _version == MqttVersion.V311) throw new MqttProtocolException(EndReasons.ClientIdentifierRejected);

        _clientTopicAliasMaximum = packet.Properties.TopicAliasMaximum;
        _wantsProblemInformation = packet.Properties.WantsProblemInformation;
        _request = new ConnectRequest(
            packet.IsCleanStart,
            packet.KeepAliveSeconds,
            RequestedExpiry(packet),
            Encoding.UTF8.GetString(packet.ClientIdentifier),
            packet.HasUserName ? Encoding.UTF8.GetString(packet.UserName) : null,
            packet.Password.ToArray(),
            packet.HasWill ? WillOf(packet) : null);
    }

    private async Task AuthenticateAsync()
    {
        ConnectRequest request = _request!;
        _request = null;
        Account account = await FindAccountAsync(request).ConfigureAwait(false) ?? throw new MqttProtocolException(EndReasons.BadCredentials);
        if (request.Will is { } will && !MayHaveWill(account, will)) throw new MqttProtocolException(EndReasons.WillTopicForeign);

        bool isAssigned = request.ClientIdentifier.Length == 0;
        string clientIdentifier = isAssigned ? "auto-" + Convert.ToHexString(RandomNumberGenerator.GetBytes(8)) : request.ClientIdentifier;
        _sessionExpirySeconds = Math.Min(request.ExpirySeconds, MaxSessionExpirySeconds);

        Session session = endpoint.Sessions.Attach(this, account, clientIdentifier, request.IsCleanStart, out bool isPresent);
        _will = request.Will is null ? null : request.Will with { Message = request.Will.Message with { Source = session } };
        ushort keepAlive = GrantKeepAlive(request.KeepAliveSeconds);
        Send(new ConnackPacket
        {
            IsSessionPresent = isPresent,
            ReceiveMaximum = (ushort)endpoint.Options.ReceiveMaximum,
            TopicAliasMaximum = (ushort)endpoint.Options.TopicAliasMaximum,
            MaximumPacketSize = endpoint.Options.MaxPacketBytes,
            ServerKeepAlive = keepAlive == request.KeepAliveSeconds ? null : keepAlive,
            SessionExpiryInterval = _sessionExpirySeconds == request.ExpirySeconds ? null : _sessionExpirySeconds,
            AssignedClientIdentifier = isAssigned ? clientIdentifier : null,
            HasSharedSubscriptions = endpoint.Lab is not null,
            WindowMs = account.Device is null ? 0 : endpoint.Ingest.ReconnectWindowMs,
            ClientMaximumPacketSize = _clientMaximumPacketSize,
        }.Create(_version));
        _keepAliveMs = keepAlive * 1000L;
        _session = session;
        _turns = endpoint.Turns.Of(account.Device?.BrandKey ?? 0);

        // Only now may messages follow: CONNACK is first ([MQTT-3.2.0-1] of both).
        session.Activate(this);
        if (isPresent) ResumeCommands(session);
        _outbox.Flush();
    }

    /// <returns>Null when the credentials are wrong; which part is never told.</returns>
    private async ValueTask<Account?> FindAccountAsync(ConnectRequest request)
    {
        if (request.UserName is null) return endpoint.Options.Lab is { AllowAnonymous: true } ? Account.LabGuest() : null;

        if (request.UserName == "operator" && endpoint.Options.OperatorToken is { } token)
        {
            return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), request.Password) ? Account.Operator() : null;
        }

        try
        {
            IngestSession? device = await endpoint.Ingest.AuthenticateAsync(request.UserName, request.Password, "mqtt", CancellationToken.None).ConfigureAwait(false);
            return device is null ? null : Account.Of(device);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            MqttLog.NotAuthenticated(endpoint.Logger, e, connection.ConnectionId);
            throw new MqttProtocolException(EndReasons.AuthenticationUnavailable);
        }
    }

    private bool MayHaveWill(Account account, Will will) =>
        endpoint.IsInLab(will.Message.Topic) || (account.Device is not null && MqttEndpoint.IsOwn(account, will.Message.Topic, "life"u8));

    private ushort GrantKeepAlive(ushort asked)
    {
        int max = (int)endpoint.Options.MaxKeepAlive.TotalSeconds;
        return max == 0 || _version != MqttVersion.V5 || (asked != 0 && asked <= max) ? asked : (ushort)max;
    }

    private static uint RequestedExpiry(in ConnectPacket packet) =>
        packet.Version == MqttVersion.V5 ? packet.Properties.SessionExpiryInterval : packet.IsCleanStart ? 0 : NeverExpires;

    private static Will WillOf(in ConnectPacket packet)
    {
        byte[] properties = new byte[packet.WillProperties.Raw.Length];
        int length = Properties.CopyForwarded(packet.WillProperties.Raw, properties);

        // A will's expiry begins when it is published; it is short-lived state here, so it does not expire while it waits.
        Message message = new(packet.WillTopic.ToArray(), packet.WillPayload.ToArray(), properties[..length], packet.WillQos, packet.WillRetain, long.MaxValue, Source: null);
        return new Will(message, packet.WillProperties.WillDelayInterval);
    }

    /// <summary>A CONNECT between its bytes and the answer of the registry.</summary>
    private sealed record ConnectRequest(
        bool IsCleanStart, ushort KeepAliveSeconds, uint ExpirySeconds, string ClientIdentifier, string? UserName, byte[] Password, Will? Will);
}
