using Google.Protobuf;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

/// <summary>A server that takes short packets: blocks are not split, so they must not get too long.</summary>
public sealed class LongestBatchTests
{
    private const int Columns = 8;
    private const int PublishBytes = 11 + 2 + 14; // a PUBLISH beside its payload: t1/acme/dev/up
    private const int LeastOfIntegers = 325; // what eight columns keep to, whatever their values
    private const int LeastOfReals = 389;

    [Theory]
    [InlineData(SignalKind.Gauge, LeastOfIntegers, 1)]
    [InlineData(SignalKind.Gauge, 600, 2)]
    [InlineData(SignalKind.Real, LeastOfReals, 3)]
    [InlineData(SignalKind.Real, 1000, 4)]
    public void Record_OneGroupOfNoise_NoBatchIsLongerThanTheServerTakesAlsoAfterABoot(SignalKind kind, int batchBytes, int seed)
    {
        MemoryFlash flash = new(256, 4096, 256);
        Random random = new(seed);
        Rig first = NewRig(kind, flash, batchBytes);
        first.Run(1_000);
        RecordNoise(first, kind, random);
        AssertAllArrive(first, batchBytes);

        Rig second = NewRig(kind, flash, batchBytes);
        second.Broker.IsUp = false;
        RecordNoise(second, kind, random); // sealed before anybody could say how long
        second.Broker.IsUp = true;
        AssertAllArrive(second, batchBytes);
    }

    [Fact]
    public void Record_LongestPacketGrowsAgain_SoDoBatches()
    {
        Rig rig = NewRig(SignalKind.Gauge, new MemoryFlash(256, 4096, 256), LeastOfIntegers);
        rig.Run(1_000);
        RecordNoise(rig, SignalKind.Gauge, new Random(5));
        rig.Client.Flush();
        rig.Run(1_000);
        int shortOnes = rig.Broker.Published.Count;

        rig.Broker.ConnackProperties = [];
        rig.Broker.Drop();
        rig.Run(900_000);
        RecordNoise(rig, SignalKind.Gauge, new Random(5));
        rig.Client.Flush();
        rig.Run(1_000);
        Assert.InRange(rig.Broker.Published.Count - shortOnes, 1, shortOnes / 2);
        rig.AssertConserved();
    }

    [Fact]
    public void Publish_SealedBeforeTheServerWasKnown_TooLongOnesAreToldAsLost()
    {
        const int PacketBytes = 600; // longer than each block, shorter than all
        Rig rig = new(options => options.BatchBytes = 2048);
        RecordAMinute(rig);
        rig.Client.Flush();
        rig.Broker.ConnackProperties = LongestPacket(PacketBytes);
        rig.Run(1000);
        Assert.Empty(rig.Broker.Published);
        Assert.Equal(240, rig.Client.ReadCounters().Dropped(LossReason.TooLarge));

        RecordAMinute(rig);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.True(rig.Broker.Published.Count > 1);
        Assert.Equal(240, Rig.Samples(rig.Broker.Published).Count);
        Assert.All(rig.Broker.Packets, packet => Assert.InRange(packet.Length, 1, PacketBytes));
        rig.AssertConserved();

        static void RecordAMinute(Rig rig)
        {
            for (int second = 0; second < 60; second++)
            {
                rig.Client.Record(Rig.HeartRate, 60 + (second * 7 % 90));
                rig.Client.Record(Rig.Cadence, second * 11 % 200);
                rig.Client.Record(Rig.Temperature, 2000 + (second * 37 % 500));
                rig.Client.Record(Rig.Power, 1 / (second + 3.7));
                rig.Clock.Advance(1000);
            }
        }
    }

    // Below what one row may cost, no block can be short enough: the longer ones are lost, told, and in nobody's way.
    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(60)]
    public void Record_ServerTakesLessThanARow_WhatIsTooLongIsCountedAndNothingHangs(int packetBytes)
    {
        Rig rig = NewRig(SignalKind.Gauge, new MemoryFlash(256, 4096, 256), packetBytes - PublishBytes);
        rig.Run(1_000);
        RecordNoise(rig, SignalKind.Gauge, new Random(6));
        rig.Client.Flush();
        rig.Run(60_000);
        Assert.True(rig.Client.ReadCounters().Dropped(LossReason.TooLarge) > 0);
        Assert.Equal(0, rig.Client.SpooledBatches);
        rig.AssertConserved();
    }

    // An order is a wish: where no block can be so short, it goes as it is.
    [Theory]
    [InlineData(SignalKind.Gauge, 1)]
    [InlineData(SignalKind.Real, 256)]
    public void Record_OrderedBatchesShorterThanARow_AllArrive(SignalKind kind, uint batchBytes)
    {
        Rig rig = NewRig(kind, new MemoryFlash(256, 4096, 256), batchBytes: 4096);
        rig.Broker.Command = new Command { Version = 1, MaxBatchBytes = batchBytes }.ToByteArray();
        rig.Run(1_000);
        RecordNoise(rig, kind, new Random(7));
        AssertAllArrive(rig, kind == SignalKind.Gauge ? LeastOfIntegers : LeastOfReals);
    }

    private static void RecordNoise(Rig rig, SignalKind kind, Random random)
    {
        for (int second = 0; second < 300; second++)
        {
            for (int signal = 1; signal <= Columns; signal++)
            {
                if (kind == SignalKind.Real) rig.Client.Record(signal, BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)));
                else rig.Client.Record(signal, random.Next(int.MinValue, int.MaxValue) >> random.Next(32));
            }

            rig.Run(1_000);
        }
    }

    private static void AssertAllArrive(Rig rig, int batchBytes)
    {
        rig.Client.Flush();
        rig.Run(900_000);
        TelemetryCounters counters = rig.Client.ReadCounters();
        Assert.Equal(300 * Columns, counters.Recorded);
        Assert.Equal(counters.Restored + counters.Recorded, counters.Acked); // what was acked last before a boot comes again
        Assert.Equal(counters.Acked, Rig.Samples(rig.Broker.Published).Count);
        Assert.All(rig.Broker.Published, batch => Assert.InRange(batch.Length, 1, batchBytes));
        rig.AssertConserved();
    }

    private static Rig NewRig(SignalKind kind, MemoryFlash flash, int batchBytes)
    {
        byte[] kinds = new byte[Columns];
        int[] periodsMs = new int[Columns];
        Array.Fill(kinds, (byte)kind);
        Array.Fill(periodsMs, 1_000);
        Rig rig = new(options =>
        {
            options.Profile = new Profile(0x88, [.. Enumerable.Range(1, Columns)], kinds, periodsMs);
            options.BatchBytes = 4096;
        }, flash);
        rig.Broker.ConnackProperties = LongestPacket(batchBytes + PublishBytes);
        return rig;
    }

    private static byte[] LongestPacket(int bytes) => [0x27, 0, 0, (byte)(bytes >> 8), (byte)bytes];
}
