using Google.Protobuf;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.Batches;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

/// <summary>How often the radio is used, with the SDK's own defaults on the virtual clock: at most 288 uploads a day, 24 in power-save, whatever the signals.</summary>
public sealed class UploadBudgetTests
{
    private const int Waveform = 1;
    private const int Hours = 3;

    [Fact]
    public void SlowSignal_Day_AtMost288Uploads()
    {
        Rig rig = NewRig(options => options.DisconnectWhenIdle = true);
        rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
        RecordADoor(rig, 86_400);
        Assert.InRange(rig.Broker.Connects, 200, 288);
        rig.AssertConserved();
    }

    [Fact]
    public void PowerSave_Day_AtMost24UploadsAndAnEventGoesAtOnce()
    {
        Rig rig = NewRig();
        rig.Client.PowerSave = true;
        rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
        RecordADoor(rig, 86_400);
        Assert.InRange(rig.Broker.Connects, 22, 24);

        int before = rig.Broker.Published.Count;
        rig.Client.Record(Rig.Button, 3);
        rig.Run(1000);
        Assert.Contains(Rig.Samples(rig.Broker.Published.Skip(before)), sample => sample.Signal == Rig.Button);
        rig.AssertConserved();
    }

    [Fact]
    public void PowerSave_ChargingBegins_WhatIsSpooledGoesOutAndUploadsAreAsUsual()
    {
        Rig rig = NewRig();
        rig.Client.PowerSave = true;
        rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
        RecordADoor(rig, 1800);
        Assert.NotEqual(0, rig.Client.SpooledBatches);

        rig.Client.Quality = 2;
        rig.Run(1000);
        Assert.Equal(0, rig.Client.SpooledBatches);
        int before = rig.Broker.Published.Count;
        RecordADoor(rig, 1800);
        Assert.InRange(rig.Broker.Published.Count - before, 5, 7); // sealed every five minutes, sent as sealed
        rig.AssertConserved();
    }

    [Theory]
    [InlineData(false, false, 12 * Hours)]
    [InlineData(true, false, 12 * Hours)]
    [InlineData(false, true, Hours)]
    public void HundredHertz_ThreeHours_NoMoreUploadsThanASlowSignalAndNothingIsLost(bool disconnects, bool savesPower, int mostUploads)
    {
        Rig rig = NewWaveformRig(sectors: 256, disconnects, savesPower);
        int uploads = RecordAWaveform(rig, Hours * 3600);
        Assert.InRange(uploads, mostUploads - 2, mostUploads);

        rig.Client.UploadNow();
        rig.Run(60_000);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(0, rig.Client.ReadCounters().DroppedTotal);
        Assert.Equal(Hours * 360_000, Rig.Samples(rig.Broker.Published).Distinct().Count());
        rig.AssertConserved();
    }

    /// <summary>An hour of a waveform is more than 64 KiB hold. The radio's budget stands, the oldest samples go, and every one of them is told.</summary>
    [Fact]
    public void HundredHertz_PowerSaveAndASmallSpool_WhatGaveWayIsTold()
    {
        Rig rig = NewWaveformRig(sectors: 16, disconnects: true, savesPower: true);
        Assert.InRange(RecordAWaveform(rig, Hours * 3600), Hours - 1, Hours);

        rig.Client.UploadNow();
        rig.Run(60_000);
        long told = 0;
        foreach (byte[] batch in rig.Broker.Published)
        {
            foreach (LossEntry loss in BatchReader.Losses(batch)) told += loss.Count;
        }

        Assert.NotEqual(0, told);
        Assert.Equal(rig.Client.ReadCounters().Dropped(LossReason.SpoolEvicted), told);
        Assert.Equal(Hours * 360_000, Rig.Samples(rig.Broker.Published).Count + told);
        rig.AssertConserved();
    }

    private static Rig NewRig(Action<TelemetryOptions>? change = null) => new(options =>
    {
        options.UploadIntervalMs = new TelemetryOptions().UploadIntervalMs;
        change?.Invoke(options);
    });

    private static Rig NewWaveformRig(int sectors, bool disconnects, bool savesPower)
    {
        Rig rig = NewRig(options =>
        {
            options.Profile = new Profile(1, [Waveform], [(byte)SignalKind.Gauge], [10]);
            options.Flash = new MemoryFlash(256, 4096, sectors);
            options.DisconnectWhenIdle = disconnects;
        });
        rig.Client.PowerSave = savesPower;
        rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
        return rig;
    }

    // Returns how many times something was sent after a second in which nothing was.
    private static int RecordAWaveform(Rig rig, int seconds)
    {
        int uploads = 0;
        bool wasSending = false;
        for (int second = 0; second < seconds; second++)
        {
            for (int i = 0; i < 100; i++)
            {
                rig.Client.Record(Waveform, (int)(1000 * Math.Sin(i * Math.PI / 50)) + (i * second % 7));
                rig.Clock.Advance(10);
            }

            int before = rig.Broker.Published.Count;
            rig.Run(0);
            bool isSending = rig.Broker.Published.Count > before;
            if (isSending && !wasSending) uploads++;
            wasSending = isSending;
        }

        return uploads;
    }

    private static void RecordADoor(Rig rig, int seconds)
    {
        for (int second = 0; second < seconds; second += 10)
        {
            rig.Client.Record(Rig.Door, (second / 10) & 1);
            rig.Run(10_000);
        }
    }
}
