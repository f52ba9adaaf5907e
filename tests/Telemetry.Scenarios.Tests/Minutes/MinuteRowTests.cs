using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Tests.Minutes;

public sealed class MinuteRowTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Merge_AnyOrderAndGrouping_GivesTheSameBytes(int seed)
    {
        List<(uint Device, SignalSlot Slot, int Value, int OffsetMs)> samples = Samples(new Random(seed));
        byte[] expected = MinuteRowCodec.Write(FoldOneByOne(samples));

        Random shuffle = new(seed + 1000);
        for (int plan = 0; plan < 100; plan++)
        {
            (uint, SignalSlot, int, int)[] order = [.. samples];
            shuffle.Shuffle(order);
            int cut = shuffle.Next(order.Length);
            MinuteRow merged = FoldOneByOne(order[cut..]);
            merged.Merge(FoldOneByOne(order[..cut]));
            Assert.Equal(expected, MinuteRowCodec.Write(merged));
        }
    }

    [Fact]
    public void Device_MoreThanARowHolds_KeepsTheLowestKeysInAnyOrder()
    {
        uint[] keys = [.. Enumerable.Range(1, 40).Select(key => (uint)key)];
        new Random(5).Shuffle(keys);
        MinuteRow row = new();
        foreach (uint key in keys) row.Device(key)?.Cell(SignalSlot.Steps).Add((int)key);

        Assert.Equal(Enumerable.Range(1, MinuteRow.MaxDevices).Select(key => (uint)key), row.Devices.Select(device => device.DeviceKey));
        Assert.All(row.Devices, device => Assert.Equal(device.DeviceKey, device[SignalSlot.Steps].Sum));
    }

    [Fact]
    public void State_TwoSamplesAtOneInstant_TheGreaterWinsInEitherOrder()
    {
        SlotStats one = SlotStats.Empty, other = SlotStats.Empty;
        one.AddState(500, 1);
        one.AddState(500, 3);
        other.AddState(500, 3);
        other.AddState(500, 1);

        Assert.Equal(3, one.Last);
        Assert.Equal(3, other.Last);
        Assert.Equal(500, one.LastOffsetMs);
    }

    [Fact]
    public void Codec_ReadWhatWasWritten_IsTheSameRow()
    {
        byte[] bytes = MinuteRowCodec.Write(FoldOneByOne(Samples(new Random(9))));
        Assert.Equal(bytes, MinuteRowCodec.Write(MinuteRowCodec.Read(bytes)));
    }

    [Fact]
    public void Codec_WristbandWithFourSignals_FitsSixtyBytes()
    {
        MinuteRow row = new();
        DeviceMinute band = row.Device(70_000)!;
        for (int second = 0; second < 60; second++) band.Cell(SignalSlot.HeartRate).Add(700 + second);
        band.Cell(SignalSlot.Steps).Add(1000);
        band.Cell(SignalSlot.Motion).Add(4000);
        band.Cell(SignalSlot.Intensity).Add(20);
        band.AddQuality(60, 60, 0, 0);
        Assert.InRange(MinuteRowCodec.Write(row).Length, 1, 60);
    }

    [Fact]
    public void Codec_EveryCutAndUnknownVersion_IsRefused()
    {
        byte[] bytes = MinuteRowCodec.Write(FoldOneByOne(Samples(new Random(11))));
        for (int cut = 0; cut < bytes.Length; cut++) Assert.Throws<InvalidDataException>(() => MinuteRowCodec.Read(bytes.AsSpan(0, cut)));
        Assert.Throws<InvalidDataException>(() => MinuteRowCodec.Read([99, .. bytes.AsSpan(1)]));
        Assert.Throws<InvalidDataException>(() => MinuteRowCodec.Read([.. bytes, 0]));
    }

    private static MinuteRow FoldOneByOne(IEnumerable<(uint Device, SignalSlot Slot, int Value, int OffsetMs)> samples)
    {
        MinuteRow row = new();
        foreach ((uint device, SignalSlot slot, int value, int offsetMs) in samples)
        {
            DeviceMinute part = row.Device(device)!;
            if (SlotCatalog.Of(slot).Kind == SlotKind.State) part.Cell(slot).AddState(offsetMs, value);
            else part.Cell(slot).Add(value);
            part.AddQuality(1, value & 1, 0, 0);
        }

        return row;
    }

    private static List<(uint, SignalSlot, int, int)> Samples(Random random)
    {
        SignalSlot[] slots = [SignalSlot.HeartRate, SignalSlot.Steps, SignalSlot.Place, SignalSlot.Light, SignalSlot.Altitude, SignalSlot.Bed];
        return [.. Enumerable.Range(0, 200).Select(_ =>
            ((uint)random.Next(1, 4), slots[random.Next(slots.Length)], random.Next(0, 3000), random.Next(0, 60_000)))];
    }
}
