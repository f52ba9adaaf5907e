using System.Diagnostics;
using System.Text;
using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Simulator.Devices;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Promise 5: what is missing is known, listed and asked for again, and comes.</summary>
public sealed class MissingTests
{
    private const int Batches = 6, LostBatch = 3;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(100);

    [Fact]
    public async Task Batch_LostBetweenDeviceAndCollector_IsListedAskedForAndComes()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "band");
        ManualClock clock = new(0), linkClock = new(0);
        LosingTransport link = new();
        TelemetryClient client = new(new TelemetryOptions
        {
            Brand = "acme",
            Device = "band",
            Secret = secret,
            Host = "127.0.0.1",
            Port = collector.MqttPort,
            ProtocolVersion = 4,
            Clock = clock,
            LinkClock = linkClock,
            Flash = new MemoryFlash(256, 4096, 32),
            Transport = link,
            Profile = new FirmwareTables(ProfileReader.Read(Encoding.UTF8.GetBytes(PeerBatches.ProfileJson)).Profile!).ToProfile(),
            Seed = 5,
        });

        Turn(client, () => link.Commands.Count > 0);
        for (int batch = 1; batch <= Batches; batch++)
        {
            link.LosesNextPublish = batch == LostBatch;
            clock.Advance(1000);
            client.Record(1, 60 + batch);
            client.Flush();
            Turn(client, () => client.ReadCounters().SentBatches == batch);
        }

        // Every other one arrives; the collector knows which is missing, and tells an operator.
        double[] arrived = await SamplesAsync(collector, Batches - 1);
        Assert.Equal([61, 62, 64, 65, 66], arrived);
        MissingRange missing = Assert.Single(await MissingAsync(collector));
        Assert.Equal((1, "acme", "band", (ulong)LostBatch, (ulong)LostBatch), (link.Lost, missing.Brand, missing.Device, missing.First, missing.Last));

        // The way ends, as broken ways do: the device comes back and is asked for it before anything else is said.
        Assert.All(link.Commands, command => Assert.Empty(command.Resend));
        int before = link.Commands.Count;
        link.Close();
        Turn(client, () => client.IsDrained);

        SeqRange asked = Assert.Single(link.Commands[before].Resend);
        Assert.Equal((missing.Epoch, (ulong)LostBatch, (ulong)LostBatch), (asked.Epoch, asked.First, asked.Last));
        Assert.Empty(await MissingAsync(collector));
        arrived = await SamplesAsync(collector, Batches);
        Assert.Equal([61, 62, 63, 64, 65, 66], arrived);
        client.Stop();

        void Turn(TelemetryClient device, Func<bool> until)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!until())
            {
                int wait = device.Step();
                if (!device.IsConnected) linkClock.Advance(Math.Clamp(wait, 1, 1000)); // to the next attempt
                Assert.True(watch.Elapsed < s_limit, $"connected {device.IsConnected}, {device.SpooledBatches} batches spooled, {link.Commands.Count} Commands");
                Thread.Yield();
            }
        }
    }

    private static async Task<IReadOnlyList<MissingRange>> MissingAsync(CollectorProcess collector) =>
        MissingList.Parser.ParseJson(await collector.TelemetryAsync("missing", "--device", "acme/band", "--json")).Ranges;

    // What was sent last may still be on its way.
    private static async Task<double[]> SamplesAsync(CollectorProcess collector, int expected)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            double[] samples = await collector.SamplesAsync("acme/band", "heart_rate");
            if (samples.Length >= expected || watch.Elapsed > s_limit) return samples;
        }
    }
}
