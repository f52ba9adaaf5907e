using System.Buffers;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Telemetry.EndToEnd.Tests;
using Telemetry.Wire.V1;

namespace Telemetry.PackagePeers.Tests;

/// <summary>MQTTnet's client as a device of our collector, in both versions of the protocol.</summary>
public sealed class MqttNetTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC

    // A failure's bound, never a wait: everything below is answered by the collector.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Publish_QoS1Twice_IsAcknowledgedAndStoredOnce(MqttProtocolVersion version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(Options(collector, version, secret).Build());
        byte[] batch = PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 60, 61, 63);

        Assert.Equal(MqttClientPublishReasonCode.Success, await PublishAsync(client, batch));
        Assert.Equal(MqttClientPublishReasonCode.Success, await PublishAsync(client, batch));

        Assert.Equal(new double[] { 60, 61, 63 }, await collector.SamplesAsync("acme/band", "heart_rate"));
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Publish_ManyAtOnce_EachIsStored(MqttProtocolVersion version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(Options(collector, version, secret).Build());

        int[] values = [.. Enumerable.Range(40, 100)];
        MqttClientPublishReasonCode[] codes = await Task.WhenAll(
            values.Select((value, i) => PublishAsync(client, PeerBatches.HeartRates(0xC0FFEE, (ulong)i + 1, Noon + 60_000 * i, value))));

        Assert.All(codes, code => Assert.Equal(MqttClientPublishReasonCode.Success, code));
        Assert.Equal(values.Select(value => (double)value), await collector.SamplesAsync("acme/band", "heart_rate"));
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Connect_WrongPassword_IsRefusedByItsCode(MqttProtocolVersion version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await collector.AddDeviceAsync("acme", "band");
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();

        MqttClientConnectResult result = await client.ConnectAsync(Options(collector, version, "not the secret").Build());

        Assert.Equal(MqttClientConnectResultCode.BadUserNameOrPassword, result.ResultCode);
        Assert.False(client.IsConnected);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Connect_AfterALostConnection_ResumesTheSession(MqttProtocolVersion version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        MqttClientOptions options = Kept(Options(collector, version, secret)).Build();
        List<bool> present = [];
        for (int connection = 1; connection <= 2; connection++)
        {
            // Disposing drops the socket without DISCONNECT, as a device out of reach does.
            using IMqttClient client = new MqttClientFactory().CreateMqttClient();
            present.Add((await client.ConnectAsync(options)).IsSessionPresent);
            if (connection == 1) await client.SubscribeAsync("t1/acme/band/down", MqttQualityOfServiceLevel.AtLeastOnce);
            Assert.Equal(MqttClientPublishReasonCode.Success, await PublishAsync(client, PeerBatches.HeartRates(0xC0FFEE, (ulong)connection, Noon, 60)));
        }

        Assert.Equal([false, true], present);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Subscribe_ABatchIsMissing_CommandAsksForIt(MqttProtocolVersion version)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        TaskCompletionSource<MqttApplicationMessage> received = new(TaskCreationOptions.RunContinuationsAsynchronously);
        client.ApplicationMessageReceivedAsync += arrived =>
        {
            received.TrySetResult(arrived.ApplicationMessage);
            return Task.CompletedTask;
        };
        await client.ConnectAsync(Options(collector, version, secret).Build());
        await PublishAsync(client, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 60));
        await PublishAsync(client, PeerBatches.HeartRates(0xC0FFEE, 3, Noon, 62));

        await client.SubscribeAsync("t1/acme/band/down", MqttQualityOfServiceLevel.AtLeastOnce);
        MqttApplicationMessage message = await received.Task.WaitAsync(Limit);

        Command command = Command.Parser.ParseFrom(message.Payload.ToArray());
        SeqRange missing = Assert.Single(command.Resend);
        Assert.Equal((0xC0FFEEu, 2ul, 2ul), (missing.Epoch, missing.First, missing.Last));
        Assert.Equal(("t1/acme/band/down", true), (message.Topic, message.Retain));
    }

    private static MqttClientOptionsBuilder Options(CollectorProcess collector, MqttProtocolVersion version, string secret) =>
        new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", collector.MqttPort).WithProtocolVersion(version).WithClientId("band")
            .WithCredentials("acme/band", secret).WithTimeout(Limit);

    private static MqttClientOptionsBuilder Kept(MqttClientOptionsBuilder options)
    {
        options.WithCleanSession(false);
        // Only 5.0 writes it; in 3.1.1 the flag alone keeps the session.
        return options.WithSessionExpiryInterval(300);
    }

    private static async Task<MqttClientPublishReasonCode> PublishAsync(IMqttClient client, byte[] batch) =>
        (await client.PublishBinaryAsync("t1/acme/band/up", batch, MqttQualityOfServiceLevel.AtLeastOnce)).ReasonCode;
}
