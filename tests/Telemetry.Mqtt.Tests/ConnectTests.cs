using System.Text;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>CONNECT and CONNACK, sections 3.1 and 3.2 of both standards.</summary>
public class ConnectTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-3.1.4-4")]
    [Statement(V311, "MQTT-3.2.0-1")]
    [Statement(V311, "MQTT-3.2.2-1")]
    [Statement(V5, "MQTT-3.1.4-5")]
    [Statement(V5, "MQTT-3.2.0-1")]
    [Statement(V5, "MQTT-3.2.2-1")]
    [Statement(V5, "MQTT-3.2.2-2")]
    [Statement(V5, "MQTT-4.2.0-1")]
    [Statement(V311, "MQTT-4.2.0-1")]
    [Statement(V311, "MQTT-7.1.1-1")]
    public async Task Connect_KnownDevice_IsAccepted(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        Assert.False(client.IsSessionPresent);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.4-2")]
    [Statement(V5, "MQTT-3.2.2-6")]
    [Statement(V5, "MQTT-3.2.2-7")]
    [Statement(V5, "MQTT-3.2.2-8")]
    public async Task Connect_WrongSecretV5_IsRefused0x86()
    {
        await RefusedAsync(5, 0x86, EndReasons.BadCredentials, connect => connect.Password = "wrong");
    }

    [Fact]
    [Statement(V311, "MQTT-3.2.2-4")]
    [Statement(V311, "MQTT-3.2.2-5")]
    public async Task Connect_WrongSecretV311_IsRefusedWithCode4()
    {
        await RefusedAsync(4, 4, EndReasons.BadCredentials, connect => connect.Password = "wrong");
    }

    [Theory]
    [InlineData(4, 3)]
    [InlineData(5, 0x88)]
    public async Task Connect_CredentialsCannotBeChecked_IsRefusedAsUnavailable(byte version, byte code)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        host.Ingest.IsRegistryGone = true;
        await using WireClient client = await host.OpenAsync();

        await client.SendAsync(ConnectBytes.Of("band-1", version).ToArray());

        Assert.Equal(code, Bytes.Body(await client.ReadPacketAsync())[1]);
        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.AuthenticationUnavailable);
    }

    [Fact]
    public async Task Connect_WithoutUserName_IsRefused()
    {
        await RefusedAsync(5, 0x86, EndReasons.BadCredentials, connect => (connect.UserName, connect.Password) = (null, null));
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(6, 0x84)]
    [Statement(V311, "MQTT-3.1.2-2")]
    [Statement(V5, "MQTT-3.1.2-2")]
    public async Task Connect_UnknownVersion_IsRefused(byte version, byte code)
    {
        await RefusedAsync(version, code, EndReasons.ProtocolVersionUnsupported, _ => { });
    }

    [Fact]
    [Statement(V311, "MQTT-3.1.3-8")]
    [Statement(V311, "MQTT-3.1.3-9")]
    public async Task Connect_EmptyClientIdWithoutCleanSessionV311_IsRefusedWithCode2()
    {
        await RefusedAsync(4, 2, EndReasons.ClientIdentifierRejected, connect => (connect.ClientId, connect.CleanStart) = ("", false));
    }

    [Fact]
    [Statement(V5, "MQTT-4.12.0-1")]
    [Statement(V5, "MQTT-4.12.0-6")]
    public async Task Connect_AuthenticationMethod_IsRefused0x8C()
    {
        await RefusedAsync(5, 0x8C, EndReasons.AuthenticationMethodUnsupported, connect => connect.Properties = [0x15, .. Bytes.Text("SCRAM-SHA-1")]);
    }

    [Fact]
    public async Task Connect_WillOnForeignTopic_IsRefused0x87()
    {
        await RefusedAsync(5, 0x87, EndReasons.WillTopicForeign, connect => connect.Will = ("t1/acme/band-2/life", "gone"));
    }

    [Theory]
    [InlineData(5, 0xC3)] // reserved bit
    [InlineData(4, 0xC3)]
    [InlineData(5, 0xCA)] // will QoS without will
    [InlineData(4, 0xE2)] // will retain without will
    [InlineData(5, 0xDE)] // will QoS 3
    [InlineData(4, 0x42)] // password without user name
    [Statement(V311, "MQTT-3.1.2-3")]
    [Statement(V311, "MQTT-3.1.2-11")]
    [Statement(V311, "MQTT-3.1.2-13")]
    [Statement(V311, "MQTT-3.1.2-14")]
    [Statement(V311, "MQTT-3.1.2-15")]
    [Statement(V311, "MQTT-3.1.2-22")]
    [Statement(V311, "MQTT-3.1.4-1")]
    [Statement(V5, "MQTT-3.1.2-3")]
    [Statement(V5, "MQTT-3.1.2-11")]
    [Statement(V5, "MQTT-3.1.2-12")]
    [Statement(V5, "MQTT-3.1.2-13")]
    [Statement(V5, "MQTT-3.1.4-1")]
    [Statement(V311, "MQTT-3.2.2-6")]
    public async Task Connect_ContradictoryFlags_Closes(byte version, byte flags)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1", version);
        connect.Flags = flags;

        await client.SendAsync(connect.ToArray());

        if (version == 5) Assert.Equal(0x81, Bytes.Body(await client.ReadPacketAsync())[1]);
        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.ConnectFlagsMalformed);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-1")]
    [Statement(V311, "MQTT-3.1.2-1")]
    public async Task Connect_OtherProtocolName_Closes()
    {
        await using MqttHost host = await MqttHost.StartAsync();

        await host.ExpectClosedAsync(new ConnectBytes { Protocol = "hj" }.ToArray(), EndReasons.ProtocolNameUnknown);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Statement(V311, "MQTT-3.1.0-2")]
    [Statement(V5, "MQTT-3.1.0-2")]
    [Statement(V5, "MQTT-3.2.0-2")]
    public async Task Connect_Twice_Closes(byte version)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.ConnectAsync(version: version);

        await client.SendAsync(ConnectBytes.Of("band-1", version).ToArray());

        if (version == 5) await client.ExpectDisconnectAsync(0x82);
        else await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.SecondConnect);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.0-1")]
    [Statement(V311, "MQTT-3.1.0-1")]
    [Statement(V5, "MQTT-3.14.0-1")]
    public async Task FirstPacket_NotConnect_ClosesWithoutAWord()
    {
        await using MqttHost host = await MqttHost.StartAsync();

        await host.ExpectClosedAsync([0xC0, 0], EndReasons.FirstPacketNotConnect);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.4-6")]
    [Statement(V311, "MQTT-3.1.4-5")]
    public async Task Publish_BehindARefusedConnect_IsNotProcessed()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        connect.Password = "wrong";

        await client.SendAsync([.. connect.ToArray(), .. Bytes.Publish(5, "t1/acme/band-1/up", "batch")]);

        Assert.Equal(0x86, (await client.ReadPacketAsync())[3]);
        await client.ExpectClosedAsync();
        Assert.Empty(host.Ingest.Submitted);
    }

    [Fact]
    public async Task Publish_BehindConnectInOnePiece_IsProcessed()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();

        await client.SendAsync([.. ConnectBytes.Of("band-1").ToArray(), .. Bytes.Publish(5, "t1/acme/band-1/up", "batch", id: 3)]);

        Assert.Equal(0x20, (await client.ReadPacketAsync())[0]);
        await client.ExpectAsync(0x40, 2, 0, 3);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.3-6")]
    [Statement(V5, "MQTT-3.1.3-7")]
    [Statement(V5, "MQTT-3.2.2-16")]
    public async Task Connect_EmptyClientIdV5_IsAssignedOne()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        connect.ClientId = "";

        await client.SendAsync(connect.ToArray());

        string connack = Encoding.Latin1.GetString(await client.ReadPacketAsync());
        Assert.Contains("\x12\0\x15" + "auto-", connack, StringComparison.Ordinal);
    }

    [Fact]
    [Statement(V5, "MQTT-3.1.2-21")]
    [Statement(V5, "MQTT-3.2.2-21")]
    public async Task Connect_KeepAliveAboveTheLimitV5_IsToldServerKeepAlive()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { MaxKeepAlive = TimeSpan.FromSeconds(60) });
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1");
        connect.KeepAlive = 120;

        await client.SendAsync(connect.ToArray());

        Assert.Contains("13003C", Convert.ToHexString(await client.ReadPacketAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_NothingSent_ClosedAfterTheConnectTimeout()
    {
        ManualTime time = new();
        await using MqttHost host = await MqttHost.StartAsync(time: time);
        await using WireClient client = await host.OpenAsync();
        await client.SendAsync(0x10);
        while (Volatile.Read(ref host.Endpoint.Counters.Connections) == 0) await Task.Yield();

        time.Advance(TimeSpan.FromSeconds(11));

        await client.ExpectClosedAsync();
        await host.EndedAsync(EndReasons.ConnectTimeout);
    }

    [Fact]
    public async Task Connect_AboveTheLimitOfConnections_IsRefused0x89()
    {
        await using MqttHost host = await MqttHost.StartAsync(new MqttEndpointOptions { MaxConnections = 1 });
        await using WireClient first = await host.ConnectAsync("band-1");
        await using WireClient second = await host.OpenAsync();

        await second.SendAsync(ConnectBytes.Of("band-2").ToArray());

        byte[] connack = await second.ReadPacketAsync();
        Assert.Equal(0x89, connack[3]);
        Assert.True(connack.AsSpan().EndsWith((byte[])[0x26, .. Bytes.Text("slot-ms"), .. Bytes.Text("2000")]));
        await second.ExpectClosedAsync();
        await first.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("3AC3")] // a second byte of UTF-8 is missing
    [InlineData("61EDA080")] // surrogate U+D800
    [InlineData("610062")] // U+0000
    [Statement(V5, "MQTT-1.5.4-1")]
    [Statement(V5, "MQTT-1.5.4-2")]
    [Statement(V5, "MQTT-3.1.3-4")]
    [Statement(V311, "MQTT-1.5.3-1")]
    [Statement(V311, "MQTT-1.5.3-2")]
    [Statement(V311, "MQTT-3.1.3-4")]
    public async Task Connect_ClientIdNotUtf8_Closes(string hex)
    {
        byte[] id = Convert.FromHexString(hex);
        await using MqttHost host = await MqttHost.StartAsync();

        await host.ExpectClosedAsync(Bytes.Packet(0x10, [.. Bytes.Text("MQTT"), 4, 2, 0, 0, 0, (byte)id.Length, .. id]), EndReasons.StringMalformed);
    }

    private static async Task RefusedAsync(byte version, byte code, EndReason reason, Action<ConnectBytes> change)
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient client = await host.OpenAsync();
        ConnectBytes connect = ConnectBytes.Of("band-1", version);
        change(connect);

        await client.SendAsync(connect.ToArray());

        byte[] connack = await client.ReadPacketAsync();
        Assert.Equal([0x20, 0, code], [connack[0], Bytes.Body(connack)[0], Bytes.Body(connack)[1]]);
        await client.ExpectClosedAsync();
        await host.EndedAsync(reason);
    }
}
