using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Log.Disk;
using Telemetry.Mqtt;
using Telemetry.Mqtt.Listening;
using Telemetry.Mqtt.Tests;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;

namespace Telemetry.EndToEnd.Tests;

/// <summary>
/// Ten times what fits comes over MQTT while the disk stands still: counted, not timed. The bench of the same name measures memory, goodput and waiting.
/// </summary>
public sealed class OverloadTests
{
    private const int BufferBytes = 1 << 20;
    private const int LoudDevices = 20, BatchesEach = 20; // 12 MB at two buffers of 1 MiB
    private const int QuietBatches = 5;

    [Fact]
    public async Task Overload_TenTimesTheBuffer_RefusesInTheProtocolsWordsAndLosesNothingAcked()
    {
        using TempFolder folder = new();
        using GatedDisk disk = new(folder.File("log"));
        using DeviceRegistry registry = DeviceRegistry.Open(folder.File("registry.db"), TimeProvider.System);
        NewCredentials[] loud = Register(registry, "loud", LoudDevices), quiet = Register(registry, "quiet", 1);
        BlockLog log = BlockLog.Open(new BlockLogOptions { Disk = disk, BufferBytes = BufferBytes });
        IngestService ingest = IngestService.Open(log, registry);
        using IHost host = await ServeAsync(ingest);
        int port = host.Services.GetRequiredService<MqttListener>().Address.Port;
        WireDevice[] flood = await Task.WhenAll(loud.Select(one => WireDevice.ConnectAsync(port, one.Username, one.Secret)));
        WireDevice calm = (await Task.WhenAll(quiet.Select(one => WireDevice.ConnectAsync(port, one.Username, one.Secret)))).Single();

        disk.Close();
        await Task.WhenAll(flood.Select(device => device.PublishAsync(1, BatchesEach)));
        await CountedAsync(ingest, LoudDevices * BatchesEach);
        IngestCounts flooded = ingest.Counts;
        Assert.True(flooded is { Stored: > 0, Refused: > 0, Duplicate: 0, DeadLettered: 0 }, flooded.ToString());
        Assert.InRange(flooded.StoredBytes, 1, 2 * BufferBytes);
        Assert.InRange(log.WaitingBytes, 1, BufferBytes);

        // The quiet brand finds room behind the flood.
        await calm.PublishAsync(1, QuietBatches);
        await CountedAsync(ingest, (LoudDevices * BatchesEach) + QuietBatches);
        Assert.Equal((flooded.Stored + QuietBatches, flooded.Refused), (ingest.Counts.Stored, ingest.Counts.Refused));

        // Nothing is flushed, so nobody was told that a batch is safe; who hears anything hears that it is too much.
        foreach (WireDevice device in flood.Append(calm)) Assert.DoesNotContain(WireDevice.Success, await device.AnswersSoFarAsync());

        disk.Open();
        foreach (WireDevice device in flood) await device.SendUntilAllAckedAsync();
        await calm.AnsweredAsync();
        Assert.Equal(QuietBatches, calm.Acked.Count);
        Assert.True(ingest.Counts.IsConserved, ingest.Counts.ToString());
        Assert.Equal(flooded.Refused, flood.Sum(device => device.RefusedAtFirst));
        Assert.InRange(disk.MostBytesWritten, 1, BufferBytes);

        await host.StopAsync(new CancellationToken(canceled: true));
        ingest.Dispose();
        log.Dispose();
        FolderInspection found = FolderInspection.Of(new FileLogDisk(folder.File("log")));
        Assert.True(found is { Duplicates: 0, Missing: 0, DeadLetters: 0, UnreadableBatches: 0 }, found.ToString());
        Assert.Equal((LoudDevices * BatchesEach) + QuietBatches, found.Batches);
    }

    private static NewCredentials[] Register(DeviceRegistry registry, string brand, int devices)
    {
        registry.PutBrand(brand, brand);
        registry.PutModel(brand, PeerBatches.ProfileJson);
        return [.. registry.AddDevices([.. Enumerable.Range(1, devices).Select(number => new NewDevice(brand, $"d{number}", "peer"))])];
    }

    private static async Task<IHost> ServeAsync(IIngest ingest)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton(ingest);
        builder.Services.AddMqttEndpoint();
        builder.Services.AddMqttListener(new IPEndPoint(IPAddress.Loopback, 0));
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task CountedAsync(IngestService ingest, long received)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        for (; ingest.Counts.Received < received; await Task.Yield()) limit.Token.ThrowIfCancellationRequested();
        Assert.Equal(received, ingest.Counts.Received);
    }
}
