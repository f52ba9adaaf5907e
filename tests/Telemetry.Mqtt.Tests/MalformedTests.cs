using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>Bytes that no client may send: each has one ending with one counted reason, and nobody else notices.</summary>
public class MalformedTests
{
    /// <summary>Version, bytes after CONNECT, reason code of DISCONNECT in 5.0, name of the counted reason.</summary>
    public static TheoryData<byte, string, byte, string> Rows => new()
    {
        { 5, "C100", 0x81, "flags-malformed" },
        { 4, "C100", 0, "flags-malformed" },
        { 5, "C00101", 0x81, "packet-trailing-bytes" },
        { 5, "8005000100000161", 0x81, "flags-malformed" },
        { 4, "A00500010001610000", 0, "flags-malformed" },
        { 5, "6002000A", 0x81, "flags-malformed" },
        { 4, "6002000A", 0, "flags-malformed" },
        { 5, "E100", 0x81, "flags-malformed" },
        { 4, "E100", 0, "flags-malformed" },
        { 5, "0000", 0x82, "packet-type-unexpected" },
        { 4, "F000", 0, "packet-type-unexpected" },
        { 5, "F000", 0x82, "packet-type-unexpected" },
        { 5, "20020000", 0x82, "packet-type-unexpected" },
        { 5, "C0FFFFFFFF01", 0x81, "variable-byte-integer-malformed" },
        { 5, "C08000", 0x81, "variable-byte-integer-malformed" },
        { 5, "36050001610001", 0x81, "qos-invalid" },
        { 4, "36050001610001", 0, "qos-invalid" },
        { 5, "380400016100", 0x81, "dup-on-qos-0" },
        { 4, "3803000161", 0, "dup-on-qos-0" },
        { 5, "3206000161000000", 0x82, "packet-identifier-zero" },
        { 4, "32050001610000", 0, "packet-identifier-zero" },
        { 5, "82070000000001 6100", 0x82, "packet-identifier-zero" },
        { 4, "820600000001 6100", 0, "packet-identifier-zero" },
        { 5, "30030005 61", 0x81, "packet-truncated" },
        { 5, "3006 0003 612B62 00", 0x90, "topic-name-invalid" },
        { 4, "3003 0001 23", 0, "topic-name-invalid" },
        { 5, "3003 0000 00", 0x90, "topic-name-invalid" },
        { 4, "3002 0000", 0, "topic-name-invalid" },
        { 5, "3004 0001 C3 00", 0x81, "string-malformed" },
        { 4, "3003 0001 00", 0, "string-malformed" },
        { 5, "82020001", 0x81, "packet-truncated" },
        { 5, "8203000100", 0x82, "no-topic-filter" },
        { 4, "82020001", 0, "no-topic-filter" },
        { 5, "A203000100", 0x82, "no-topic-filter" },
        { 4, "A2020001", 0, "no-topic-filter" },
        { 5, "8208 0001 00 0002 6123 00", 0x8F, "topic-filter-malformed" },
        { 4, "8208 0001 0003 232F61 00", 0, "topic-filter-malformed" },
        { 5, "8208 0001 00 0002 612B 00", 0x8F, "topic-filter-malformed" },
        { 4, "8207 0001 0002 2B61 00", 0, "topic-filter-malformed" },
        { 5, "8206 0001 00 0000 00", 0x8F, "topic-filter-malformed" },
        { 5, "820F 0001 00 0009 2473686172652F2F61 00", 0x8F, "topic-filter-malformed" },
        { 5, "820E 0001 00 0008 2473686172652F61 00", 0x8F, "topic-filter-malformed" },
        { 5, "8207 0001 00 0001 61 03", 0x81, "subscription-options-malformed" },
        { 5, "8207 0001 00 0001 61 30", 0x81, "subscription-options-malformed" },
        { 5, "8207 0001 00 0001 61 40", 0x81, "subscription-options-malformed" },
        { 4, "8206 0001 0001 61 04", 0, "subscription-options-malformed" },
        { 5, "8210 0001 00 000A 2473686172652F732F61 04", 0x82, "no-local-on-shared" },
        { 5, "8209 0001 02 0B00 0001 61 00", 0x82, "property-out-of-range" },
        { 5, "3006 0001 61 02 0B01", 0x82, "property-not-allowed" },
        { 5, "3006 0001 61 02 0102", 0x82, "property-out-of-range" },
        { 5, "3008 0001 61 04 01000100", 0x82, "property-twice" },
        { 5, "3006 0001 61 02 7F00", 0x82, "property-not-allowed" },
        { 5, "3009 0001 61 05 08 0002 2B61", 0x90, "topic-name-invalid" },
        { 5, "E007 00 05 11 00000001", 0x82, "session-expiry-raised-from-zero" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    [Statement(V5, "MQTT-1.5.5-1")]
    [Statement(V5, "MQTT-2.1.3-1")]
    [Statement(V5, "MQTT-2.2.1-2")]
    [Statement(V5, "MQTT-2.2.1-3")]
    [Statement(V5, "MQTT-3.3.1-2")]
    [Statement(V5, "MQTT-3.3.1-4")]
    [Statement(V5, "MQTT-3.3.2-1")]
    [Statement(V5, "MQTT-3.3.2-2")]
    [Statement(V5, "MQTT-3.3.2-14")]
    [Statement(V5, "MQTT-3.3.4-6")]
    [Statement(V5, "MQTT-3.6.1-1")]
    [Statement(V5, "MQTT-3.8.1-1")]
    [Statement(V5, "MQTT-3.8.3-1")]
    [Statement(V5, "MQTT-3.8.3-2")]
    [Statement(V5, "MQTT-3.8.3-4")]
    [Statement(V5, "MQTT-3.8.3-5")]
    [Statement(V5, "MQTT-3.10.1-1")]
    [Statement(V5, "MQTT-3.10.3-2")]
    [Statement(V5, "MQTT-3.14.1-1")]
    [Statement(V5, "MQTT-3.14.4-1")]
    [Statement(V5, "MQTT-3.14.4-2")]
    [Statement(V5, "MQTT-3.15.1-1")]
    [Statement(V5, "MQTT-4.7.0-1")]
    [Statement(V5, "MQTT-4.7.1-1")]
    [Statement(V5, "MQTT-4.7.1-2")]
    [Statement(V5, "MQTT-4.7.3-1")]
    [Statement(V5, "MQTT-4.7.3-2")]
    [Statement(V5, "MQTT-4.8.2-1")]
    [Statement(V5, "MQTT-4.8.2-2")]
    [Statement(V5, "MQTT-4.13.1-1")]
    [Statement(V311, "MQTT-2.2.2-1")]
    [Statement(V311, "MQTT-2.2.2-2")]
    [Statement(V311, "MQTT-2.3.1-1")]
    [Statement(V311, "MQTT-2.3.1-5")]
    [Statement(V311, "MQTT-3.3.1-2")]
    [Statement(V311, "MQTT-3.3.1-4")]
    [Statement(V311, "MQTT-3.3.2-1")]
    [Statement(V311, "MQTT-3.3.2-2")]
    [Statement(V311, "MQTT-3.6.1-1")]
    [Statement(V311, "MQTT-3.8.1-1")]
    [Statement(V311, "MQTT-3.8.3-3")]
    [Statement(V311, "MQTT-3.8.3-4")]
    [Statement(V311, "MQTT-3.10.1-1")]
    [Statement(V311, "MQTT-3.10.3-2")]
    [Statement(V311, "MQTT-3.14.1-1")]
    [Statement(V311, "MQTT-4.7.1-1")]
    [Statement(V311, "MQTT-4.7.1-2")]
    [Statement(V311, "MQTT-4.7.1-3")]
    [Statement(V311, "MQTT-4.7.3-1")]
    [Statement(V311, "MQTT-4.7.3-2")]
    [Statement(V311, "MQTT-4.8.0-1")]
    [Statement(V5, "MQTT-4.12.0-7")]
    [Statement(V5, "MQTT-4.13.2-1")]
    public async Task Packet_AgainstTheRules_EndsTheConnectionWithItsReason(byte version, string hex, byte code, string reason)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient neighbour = await host.ConnectAsync("band-2");
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        if (version == 5) await client.ExpectDisconnectAsync(code);
        else await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.All.Single(one => one.Name == reason));
        await neighbour.SendAsync(Bytes.Publish(5, "t1/acme/band-2/up", "batch", id: 1));
        await neighbour.ExpectAsync(0x40, 2, 0, 1);
    }

    /// <summary>Property bytes with a string that is cut inside a character, holds a surrogate, or holds U+0000.</summary>
    [Theory]
    [InlineData("03 0001 C3")]
    [InlineData("03 0003 EDA080")]
    [InlineData("08 0001 C3")]
    [InlineData("08 0001 00")]
    [InlineData("26 0001 C3 0000")]
    [InlineData("26 0000 0003 EDA080")]
    [Statement(V5, "MQTT-1.5.7-1")]
    [Statement(V5, "MQTT-3.3.2-13")]
    [Statement(V5, "MQTT-3.3.2-19")]
    public async Task Publish_StringOfAPropertyNotUtf8_DisconnectsWith0x81(string hex)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync();

        await client.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "batch", properties: Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));

        await client.ExpectDisconnectAsync(0x81);
        await host.EndedAsync(EndReasons.StringMalformed);
        Assert.Empty(host.Ingest.Submitted);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.3-11")]
    public async Task Connect_WillTopicNotUtf8_IsRefused()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();

        // Flags: will and clean start; no properties, client identifier "c", no will properties, will topic C3, no payload.
        await client.SendAsync(Bytes.Packet(0x10, [.. Bytes.Text("MQTT"), 5, 0x06, 0, 0, 0, .. Bytes.Text("c"), 0, 0, 1, 0xC3, 0, 0]));

        Assert.Equal(0x81, (await client.ReadPacketAsync())[3]);
        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.StringMalformed);
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.3-10")]
    public async Task Connect_WillTopicNotUtf8V311_Closes()
    {
        await using MqttHost host = await MqttHost.StartAsync();

        await host.ExpectClosedAsync(Bytes.Packet(0x10, [.. Bytes.Text("MQTT"), 4, 0x06, 0, 0, .. Bytes.Text("c"), 0, 1, 0xC3, 0, 0]), EndReasons.StringMalformed);
    }
}
