using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>The collector behind a broker that is already there, with kill -9 on either side: what the broker held is stored, once.</summary>
public sealed class BrokerTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC
    private const int Rounds = 4;
    private const int BatchesPerRound = 80;

    [RealPartFact("mosquitto", "mosquitto_sub")]
    public Task KilledOnEitherSide_Version5_EveryBatchTheBrokerHeldIsStoredOnce() => EveryBatchIsStoredOnceAsync(killsBroker: true, "--broker-version", "5");

    /// <summary>mosquitto 2.0.11 forgets shared subscriptions when it is started again (not the session), so here only the collector dies.</summary>
    [RealPartFact("mosquitto", "mosquitto_sub")]
    public Task CollectorKilled_Version311Shared_EveryBatchTheBrokerHeldIsStoredOnce() =>
        EveryBatchIsStoredOnceAsync(killsBroker: false, "--broker-version", "3.1.1", "--broker-share", "night");

    [RealPartFact("mosquitto")]
    public async Task BrokerGone_IsNotReadyAndSaysWhy()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--broker", $"mqtt://127.0.0.1:{broker.Port}");
        await SubscribedAsync(collector);
        await broker.KillAsync();

        using HttpClient http = new();
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(100));
        string reasons;
        do reasons = await (await http.GetAsync(new Uri($"http://127.0.0.1:{collector.HttpPort}/readyz"), limit.Token)).Content.ReadAsStringAsync(limit.Token);
        while (!reasons.Contains($"broker: mqtt://127.0.0.1:{broker.Port} since", StringComparison.Ordinal));
        Assert.Equal(0, CollectorProcess.Metric(await collector.MetricsAsync(), "telemetry_broker_connected"));
    }

    private static async Task EveryBatchIsStoredOnceAsync(bool killsBroker, params string[] options)
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        await using CollectorProcess collector = await CollectorProcess.StartAsync(["--broker", $"mqtt://127.0.0.1:{broker.Port}", .. options]);
        await collector.AddDeviceAsync("acme", "behind");
        await SubscribedAsync(collector);

        List<double> sent = [];
        ulong seq = 0;
        for (int round = 0; round < Rounds; round++)
        {
            // Even rounds: the collector reads while it is killed. Odd rounds: it is away, and the broker keeps what comes.
            if (round % 2 == 1) await collector.KillAsync();
            List<byte[]> batches = [];
            for (int i = 0; i < BatchesPerRound; i++)
            {
                seq += seq == 1 ? 2u : 1u;
                sent.Add(20 + (seq % 230));
                batches.Add(PeerBatches.HeartRates(0xC0FFEE, seq, Noon + ((long)seq * 1000), (int)sent[^1]));
            }

            await using (BrokerClient device = await BrokerClient.ConnectAsync(broker.Port, "behind")) await device.PublishAsync("t1/acme/behind/up", batches);
            if (round % 2 == 0) await collector.KillAsync();

            // The broker dies, too. What it delivered after its last save it delivers again.
            await broker.SaveAsync();
            if (killsBroker && round % 3 == 1) await broker.KillAndStartAgainAsync();
            await collector.StartAgainAsync();
            await SubscribedAsync(collector);
            if (killsBroker && round % 3 == 2) await broker.KillAndStartAgainAsync();
        }

        Assert.Equal(sent, await StoredAsync(collector, sent.Count));
        await MissingIsAskedForAsync(broker);
    }

    /// <summary>Seq 2 was never sent: the collector asks for it on the device's retained topic, where the device will find it.</summary>
    private static async Task MissingIsAskedForAsync(MosquittoBroker broker)
    {
        (int exit, string output, string transcript) = await ChildProcess.RunAsync(
            RealParts.PathOf("mosquitto_sub")!, ["-p", $"{broker.Port}", "-t", "t1/acme/behind/down", "-q", "1", "-C", "1", "-W", "60", "-F", "%r %x"]);
        Assert.True(exit == 0, transcript);
        string[] message = output.Split(' ');
        Command command = Command.Parser.ParseFrom(Convert.FromHexString(message[1]));
        Assert.Equal("1", message[0]);
        Assert.Equal((0ul, 2ul, 2ul), (command.ServerUnixMs, command.Resend.Single().First, command.Resend.Single().Last));
    }

    // The line of event 1250 on standard error.
    private static Task SubscribedAsync(CollectorProcess collector) => collector.LineAsync(line => line.Contains("connected; stored session", StringComparison.Ordinal));

    private static async Task<double[]> StoredAsync(CollectorProcess collector, int expected)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(90));
        while (true)
        {
            double[] stored = await collector.SamplesAsync("acme/behind", "heart_rate");
            if (stored.Length >= expected) return stored;
            Assert.False(limit.IsCancellationRequested, $"{stored.Length} of {expected} samples after 90 s.\n{collector.Transcript}");
        }
    }
}
