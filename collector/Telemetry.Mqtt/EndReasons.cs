using Telemetry.Mqtt.Packets;

namespace Telemetry.Mqtt;

/// <summary>Every way a connection can end. "5.0" and "3.1.1" name the standard a statement number belongs to.</summary>
internal static class EndReasons
{
    // Orderly, or nobody's fault.
    public static readonly EndReason ClientDisconnected = new("client-disconnected", ReasonCode.Success,
        "The client sent DISCONNECT.");
    public static readonly EndReason ConnectionLost = new("connection-lost", ReasonCode.Success,
        "The network connection closed without DISCONNECT.");
    public static readonly EndReason DisconnectedWithWill = new("client-disconnected-with-will", ReasonCode.Success,
        "The client sent DISCONNECT 0x04 and wants its will published.");
    public static readonly EndReason SessionTakenOver = new("session-taken-over", ReasonCode.SessionTakenOver,
        "Another connection uses this client identifier.");
    public static readonly EndReason ServerShuttingDown = new("server-shutting-down", ReasonCode.ServerShuttingDown,
        "The collector is stopping.");
    public static readonly EndReason KeepAliveTimeout = new("keep-alive-timeout", ReasonCode.KeepAliveTimeout,
        "Nothing was received for one and a half times the keep alive (5.0 [MQTT-3.1.2-22], 3.1.1 [MQTT-3.1.2-24]).");
    public static readonly EndReason ConnectTimeout = new("connect-timeout", ReasonCode.Success,
        "No whole CONNECT arrived in time.");

    // CONNECT refused.
    public static readonly EndReason FirstPacketNotConnect = new("first-packet-not-connect", ReasonCode.ProtocolError,
        "The first packet is not CONNECT (5.0 and 3.1.1 [MQTT-3.1.0-1]).");
    public static readonly EndReason ProtocolNameUnknown = new("protocol-name-unknown", ReasonCode.UnsupportedProtocolVersion,
        "The protocol name is not MQTT (5.0 and 3.1.1 [MQTT-3.1.2-1]).");
    public static readonly EndReason ProtocolVersionUnsupported = new("protocol-version-unsupported", ReasonCode.UnsupportedProtocolVersion,
        "The protocol version is not 4 (3.1.1) or 5 (5.0 and 3.1.1 [MQTT-3.1.2-2]).");
    public static readonly EndReason ConnectFlagsMalformed = new("connect-flags-malformed", ReasonCode.MalformedPacket,
        "The CONNECT flags contradict each other: reserved bit set, will bits without will, will QoS 3, or a 3.1.1 password without user name (5.0 [MQTT-3.1.2-3], -11, -12, -13; 3.1.1 also -22).");
    public static readonly EndReason ClientIdentifierRejected = new("client-identifier-rejected", ReasonCode.ClientIdentifierNotValid,
        "An empty client identifier needs CleanSession 1 (3.1.1 [MQTT-3.1.3-8]).");
    public static readonly EndReason BadCredentials = new("bad-credentials", ReasonCode.BadUserNameOrPassword,
        "User name brand/device and the device's secret are expected; these do not belong together.");
    public static readonly EndReason AuthenticationMethodUnsupported = new("authentication-method-unsupported", ReasonCode.BadAuthenticationMethod,
        "Enhanced authentication is not offered; connect with user name and password (5.0 [MQTT-4.12.0-1]).");
    public static readonly EndReason WillTopicForeign = new("will-topic-foreign", ReasonCode.NotAuthorized,
        "The will topic is not the device's own life topic.");
    public static readonly EndReason TooManyConnections = new("too-many-connections", ReasonCode.ServerBusy,
        "The limit of connections is reached; come back later.");
    public static readonly EndReason AuthenticationUnavailable = new("authentication-unavailable", ReasonCode.ServerUnavailable,
        "Credentials cannot be checked now; come back later.");

    // The bytes are not MQTT.
    public static readonly EndReason Truncated = new("packet-truncated", ReasonCode.MalformedPacket,
        "A packet ends inside a field; its Remaining Length is too small for what it carries.");
    public static readonly EndReason TrailingBytes = new("packet-trailing-bytes", ReasonCode.MalformedPacket,
        "A packet is longer than its fields.");
    public static readonly EndReason VariableByteIntegerMalformed = new("variable-byte-integer-malformed", ReasonCode.MalformedPacket,
        "A Variable Byte Integer has more than four bytes or more than it needs (5.0 [MQTT-1.5.5-1]).");
    public static readonly EndReason StringMalformed = new("string-malformed", ReasonCode.MalformedPacket,
        "A string is not UTF-8 or holds U+0000 (5.0 [MQTT-1.5.4-1], -2; 3.1.1 [MQTT-1.5.3-1], -2).");
    public static readonly EndReason FlagsMalformed = new("flags-malformed", ReasonCode.MalformedPacket,
        "The flags of the fixed header are not those of the packet type (5.0 [MQTT-2.1.3-1], 3.1.1 [MQTT-2.2.2-2]).");
    public static readonly EndReason PacketTypeUnexpected = new("packet-type-unexpected", ReasonCode.ProtocolError,
        "A client may not send this packet type, or not in this version.");
    public static readonly EndReason PacketTooLarge = new("packet-too-large", ReasonCode.PacketTooLarge,
        "A packet exceeds the Maximum Packet Size of CONNACK.");
    public static readonly EndReason PropertyNotAllowed = new("property-not-allowed", ReasonCode.ProtocolError,
        "A property is unknown or does not belong in this packet (5.0 section 2.2.2.2, [MQTT-3.3.4-6]).");
    public static readonly EndReason PropertyTwice = new("property-twice", ReasonCode.ProtocolError,
        "A property that may stand once stands twice (5.0 section 2.2.2.2).");
    public static readonly EndReason PropertyOutOfRange = new("property-out-of-range", ReasonCode.ProtocolError,
        "A property has a value outside its range (5.0 section 2.2.2.2).");

    // MQTT, but against its rules.
    public static readonly EndReason SecondConnect = new("second-connect", ReasonCode.ProtocolError,
        "CONNECT was sent twice (5.0 and 3.1.1 [MQTT-3.1.0-2]).");
    public static readonly EndReason QosInvalid = new("qos-invalid", ReasonCode.MalformedPacket,
        "Both QoS bits are set; QoS is 0, 1 or 2 (5.0 and 3.1.1 [MQTT-3.3.1-4]).");
    public static readonly EndReason DupOnQos0 = new("dup-on-qos-0", ReasonCode.MalformedPacket,
        "DUP is set on a QoS 0 PUBLISH (5.0 and 3.1.1 [MQTT-3.3.1-2]).");
    public static readonly EndReason PacketIdentifierZero = new("packet-identifier-zero", ReasonCode.ProtocolError,
        "The packet identifier is 0; 1-65535 is required (5.0 [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1]).");
    public static readonly EndReason TopicNameWildcard = new("topic-name-invalid", ReasonCode.TopicNameInvalid,
        "A topic name is empty or holds a wildcard (5.0 and 3.1.1 [MQTT-3.3.2-2], [MQTT-4.7.3-1]).");
    public static readonly EndReason TopicFilterMalformed = new("topic-filter-malformed", ReasonCode.TopicFilterInvalid,
        "A topic filter is empty or has a wildcard or share name in the wrong place (5.0 [MQTT-4.7.1-1], -2, [MQTT-4.8.2-1], -2).");
    public static readonly EndReason TopicAliasInvalid = new("topic-alias-invalid", ReasonCode.TopicAliasInvalid,
        "The topic alias is 0, above the Topic Alias Maximum of CONNACK or was never set (5.0 [MQTT-3.3.2-8], -9).");
    public static readonly EndReason TopicForeign = new("topic-foreign", ReasonCode.NotAuthorized,
        "This session may not publish to that topic; 3.1.1 has no word for it but closing (3.1.1 [MQTT-3.3.5-2]).");
    public static readonly EndReason NoTopicFilter = new("no-topic-filter", ReasonCode.ProtocolError,
        "SUBSCRIBE or UNSUBSCRIBE names no topic filter (5.0 [MQTT-3.8.3-2], [MQTT-3.10.3-2]; 3.1.1 [MQTT-3.8.3-3], [MQTT-3.10.3-2]).");
    public static readonly EndReason SubscriptionOptionsMalformed = new("subscription-options-malformed", ReasonCode.MalformedPacket,
        "Reserved bits of the subscription options are set, or QoS or Retain Handling is 3 (5.0 [MQTT-3.8.3-5], 3.1.1 [MQTT-3.8.3-4]).");
    public static readonly EndReason NoLocalOnShared = new("no-local-on-shared", ReasonCode.ProtocolError,
        "No Local is set on a shared subscription (5.0 [MQTT-3.8.3-4]).");
    public static readonly EndReason ReceiveMaximumExceeded = new("receive-maximum-exceeded", ReasonCode.ReceiveMaximumExceeded,
        "More QoS 1 and 2 publishes are in flight than the Receive Maximum of CONNACK (5.0 [MQTT-3.3.4-7]).");
    public static readonly EndReason ExpiryRaisedFromZero = new("session-expiry-raised-from-zero", ReasonCode.ProtocolError,
        "DISCONNECT sets a Session Expiry Interval although CONNECT had none (5.0 section 3.14.2.2.2).");

    // The collector cannot or will not go on.
    public static readonly EndReason BatchRefused = new("batch-refused", ReasonCode.QuotaExceeded,
        "A batch was refused, and 3.1.1 has no word for it but closing without PUBACK.");
    public static readonly EndReason StorageUnavailable = new("storage-unavailable", ReasonCode.ServerBusy,
        "The collector could not make a batch durable; it stays with the sender.");
    public static readonly EndReason InternalError = new("internal-error", ReasonCode.UnspecifiedError,
        "The collector failed on this connection; its log says where.");

    /// <summary>All of them, for the counts.</summary>
    public static readonly EndReason[] All = [.. typeof(EndReasons).GetFields().Where(field => field.FieldType == typeof(EndReason)).Select(field => (EndReason)field.GetValue(null)!)];
}
