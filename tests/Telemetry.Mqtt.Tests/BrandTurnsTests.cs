using Telemetry.Mqtt.Connections;

namespace Telemetry.Mqtt.Tests;

/// <summary>Fair queueing between brands.</summary>
public class BrandTurnsTests
{
    [Fact]
    public async Task Take_MoreThanAtOnce_WaitInTheOrderTheyCame()
    {
        BrandTurns turns = new(atOnce: 2);
        Task first = turns.TakeAsync().AsTask(), second = turns.TakeAsync().AsTask();
        Assert.True(first.IsCompleted && second.IsCompleted);

        List<int> served = [];
        Task[] waiting = [.. Enumerable.Range(1, 100).Select(ServeAsync)];
        Assert.Empty(served);
        turns.Return();
        await Task.WhenAll(waiting).WaitAsync(TestLimits.Answer);
        Assert.Equal(Enumerable.Range(1, 100), served);

        // The one turn went through all of them; the other was never given back.
        Assert.True(turns.TakeAsync().AsTask().IsCompleted);
        Assert.False(turns.TakeAsync().AsTask().IsCompleted);

        async Task ServeAsync(int number)
        {
            await turns.TakeAsync();
            served.Add(number);
            turns.Return();
        }
    }

    [Fact]
    public async Task Take_ManyThreads_NeverMoreAtOnce()
    {
        const int AtOnce = 3, Tasks = 16, Rounds = 2_000;
        BrandTurns turns = new(AtOnce);
        int running = 0, most = 0, served = 0;
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(_ => Task.Run(async () =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                await turns.TakeAsync();
                int now = Interlocked.Increment(ref running);
                if (now > Volatile.Read(ref most)) Volatile.Write(ref most, now);
                Interlocked.Increment(ref served);
                Interlocked.Decrement(ref running);
                turns.Return();
            }
        }))).WaitAsync(TestLimits.Answer);
        Assert.Equal(Tasks * Rounds, served);
        Assert.InRange(most, 1, AtOnce);
    }

    [Fact]
    public async Task Publish_AllTurnsOfAnotherBrandTaken_IsAnsweredAllTheSame()
    {
        await using MqttHost host = await MqttHost.StartAsync();
        await using WireClient loud = await host.ConnectAsync("band-1");
        await using WireClient quiet = await host.ConnectAsync(change: connect => (connect.ClientId, connect.UserName, connect.Password) = ("quiet_band-1", "quiet/band-1", "secret-of-quiet/band-1"));
        BrandTurns turns = host.Endpoint.Turns.Of(ManualIngest.BrandKeyOf("acme"));
        for (int turn = 0; turn < Environment.ProcessorCount; turn++) await turns.TakeAsync();

        await loud.SendAsync(Bytes.Publish(5, "t1/acme/band-1/up", "loud", id: 1));
        await quiet.SendAsync(Bytes.Publish(5, "t1/quiet/band-1/up", "quiet", id: 2));
        await quiet.ExpectAsync(0x40, 2, 0, 2);
        Assert.Equal(["quiet/band-1"], host.Ingest.Submitted.Select(one => one.Device));

        turns.Return();
        await loud.ExpectAsync(0x40, 2, 0, 1);
    }
}
