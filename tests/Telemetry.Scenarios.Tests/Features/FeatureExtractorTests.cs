using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Tests.Features;

/// <summary>What a minute of several devices says: who is believed, for how long, and what is left out.</summary>
public sealed class FeatureExtractorTests
{
    private const uint Band = 1, Watch = 2, Shoe = 3, Hall = 4, Kitchen = 5;
    private readonly FeatureExtractor _extractor = new(0);
    private readonly float[] _vector = new float[FeatureCatalog.Count];

    [Fact]
    public void Read_BandTakenOff_LeavesItsBodySignalsOutUntilTheMarkIsStale()
    {
        Assert.True(Read(100, row => Worn(row, isWorn: true)));
        Assert.Equal((60f, 40f), (this[Feature.HeartRate], this[Feature.Steps]));

        Assert.False(Read(101, row => Worn(row, isWorn: false))); // nothing else speaks: no evidence at all
        Assert.True(float.IsNaN(this[Feature.HeartRate]) && float.IsNaN(this[Feature.Steps]));
        Assert.False(Read(116, Unmarked)); // it marks no more: believed for 15 minutes
        Assert.True(Read(117, Unmarked));
        Assert.Equal((60f, 40f), (this[Feature.HeartRate], this[Feature.Steps]));
    }

    [Fact]
    public void Read_BandTakenOff_DoesNotSilenceTheOtherDevices()
    {
        Assert.True(Read(100, row =>
        {
            Worn(row, isWorn: false);
            Put(row, Shoe, SignalSlot.FootStrikes, 50);
            Put(row, Hall, SignalSlot.RoomMotion, 2);
        }));
        Assert.Equal((50f, 2f), (this[Feature.FootStrikes], this[Feature.RoomMotion]));
        Assert.True(float.IsNaN(this[Feature.HeartRate]));
    }

    [Fact]
    public void Read_TwoWristsAndTwoRooms_AreFusedByTheirKind()
    {
        Read(100, row =>
        {
            Put(row, Watch, SignalSlot.HeartRate, 90);
            Put(row, Band, SignalSlot.HeartRate, 60);
            Put(row, Band, SignalSlot.Steps, 40);
            Put(row, Watch, SignalSlot.Steps, 55);
            Put(row, Hall, SignalSlot.RoomMotion, 2);
            Put(row, Kitchen, SignalSlot.RoomMotion, 3);
        });
        Assert.Equal(60, this[Feature.HeartRate]); // the lower key speaks
        Assert.Equal(55, this[Feature.Steps]);     // one body: the greatest, not the sum
        Assert.Equal(5, this[Feature.RoomMotion]); // one home: the sum
    }

    [Fact]
    public void Read_RoomsOfAHome_SayWhereItStirredLastAndForHowLongItIsStill()
    {
        Read(100, row => InRoom(row, Kitchen, Room.Kitchen, SignalSlot.RoomMotion, 2));
        Assert.Equal((3f, 0f, 1f), (this[Feature.LastRoom], this[Feature.RoomQuiet], this[Feature.Kitchen]));
        Assert.True(float.IsNaN(this[Feature.Shower])); // no shower was heard of yet

        Read(104, row => Put(row, Kitchen, SignalSlot.RoomMotion, 0)); // its room is held; a count of nothing is no stir
        Assert.Equal((3f, 4f, 0f), (this[Feature.LastRoom], this[Feature.RoomQuiet], this[Feature.Kitchen]));

        Assert.True(Read(820, _ => { })); // a still home is evidence, for 12 hours
        Assert.Equal(720, this[Feature.RoomQuiet]);
        Assert.False(Read(821, _ => { }));
    }

    [Fact]
    public void Read_DoorThatStaysOpen_StirsOnlyWhenItOpensAndCloses()
    {
        Read(100, row => InRoom(row, Hall, Room.Entrance, SignalSlot.Door, 1));
        Read(105, row => InRoom(row, Hall, Room.Entrance, SignalSlot.Door, 1));
        Assert.Equal(5, this[Feature.RoomQuiet]);
        Read(106, row => InRoom(row, Hall, Room.Entrance, SignalSlot.Door, 0));
        Assert.Equal((6f, 0f), (this[Feature.LastRoom], this[Feature.RoomQuiet]));
    }

    [Fact]
    public void Read_DoorAndRoomInOneMinute_TheWayOutCounts()
    {
        Read(100, row =>
        {
            InRoom(row, Hall, Room.Entrance, SignalSlot.Door, 1);
            InRoom(row, Kitchen, Room.Kitchen, SignalSlot.RoomMotion, 1);
        });
        Assert.Equal((int)Room.Entrance, this[Feature.LastRoom]);
    }

    [Fact]
    public void Read_PressureOutsideTheBedroom_IsASeatAndNoBed()
    {
        Read(100, row => InRoom(row, Hall, Room.Living, SignalSlot.Bed, 1));
        Assert.Equal(1, this[Feature.SeatOccupied]);
        Assert.True(float.IsNaN(this[Feature.BedOccupied]));
    }

    [Fact]
    public void Read_PlaceThatWasSaidOnce_HoldsTwelveHoursAndIsNoEvidenceThatAnythingIsWorn()
    {
        Read(100, row => row.Device(Band)!.Cell(SignalSlot.Place).AddState(0, 2));
        Assert.False(Read(820, _ => { }));
        Assert.Equal(2, this[Feature.Place]);
        Read(821, _ => { });
        Assert.True(float.IsNaN(this[Feature.Place]));
    }

    [Fact]
    public void Read_UntrueSteps_LeaveTheOtherSignalsOfTheDevice()
    {
        Read(100, row =>
        {
            Put(row, Band, SignalSlot.Steps, 1.8);
            Put(row, Band, SignalSlot.HeartRate, 60);
        });
        Assert.True(float.IsNaN(this[Feature.Steps]));
        Assert.Equal(60, this[Feature.HeartRate]);
    }

    private float this[Feature feature] => _vector[(int)feature];

    private bool Read(int minute, Action<MinuteRow> fill)
    {
        MinuteRow row = new();
        fill(row);
        return _extractor.Read(minute, row, _vector);
    }

    private static void Unmarked(MinuteRow row)
    {
        Put(row, Band, SignalSlot.HeartRate, 60);
        Put(row, Band, SignalSlot.Steps, 40);
    }

    private static void Worn(MinuteRow row, bool isWorn)
    {
        Unmarked(row);
        row.Device(Band)!.AddQuality(12, isWorn ? 12 : 0, 0, 0);
    }

    private static void InRoom(MinuteRow row, uint device, Room room, SignalSlot slot, int value)
    {
        row.Device(device)!.Cell(SignalSlot.Room).AddState(0, (int)room);
        if (SlotCatalog.Of(slot).Kind == SlotKind.State) row.Device(device)!.Cell(slot).AddState(0, value);
        else Put(row, device, slot, value);
    }

    private static void Put(MinuteRow row, uint device, SignalSlot slot, double value) =>
        row.Device(device)!.Cell(slot).Add((int)Math.Round(value * SlotCatalog.Of(slot).Scale));
}
