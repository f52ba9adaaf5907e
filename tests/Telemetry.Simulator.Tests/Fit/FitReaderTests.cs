using Telemetry.Simulator.Fit;

namespace Telemetry.Simulator.Tests.Fit;

public class FitReaderTests
{
    private const long FirstTimestamp = 1_000_000_000; // 2021-09-08T01:46:40Z
    private const long FirstUnixMs = 1_631_065_600_000;
    private static readonly (int, int, byte)[] RecordFields =
        [(253, 4, FitBaseType.UInt32), (3, 1, FitBaseType.UInt8), (4, 1, FitBaseType.UInt8), (6, 2, FitBaseType.UInt16)];

    [Theory]
    [InlineData(false, 12)]
    [InlineData(false, 14)]
    [InlineData(true, 14)]
    public void Record_EitherByteOrderAndHeader_ReadsValues(bool bigEndian, int headerBytes)
    {
        byte[] file = new FitFileWriter(bigEndian, headerBytes).Define(0, 20, RecordFields)
            .Data(0, (FirstTimestamp, 4), (142, 1), (88, 1), (3_120, 2)).Build();

        FitActivity activity = FitReader.Read(file);

        Assert.Null(activity.Damage);
        FitRecord record = Assert.Single(activity.Records);
        Assert.Equal((FirstUnixMs, 142d, 88d, 3.12), (record.UnixMs, record.HeartRate, record.Cadence, record.SpeedMetersPerSecond));
    }

    [Fact]
    public void Record_InvalidValues_AreAbsent()
    {
        byte[] file = new FitFileWriter().Define(0, 20, RecordFields).Data(0, (FirstTimestamp, 4), (0xFF, 1), (0, 1), (0xFFFF, 2)).Build();

        FitRecord record = Assert.Single(FitReader.Read(file).Records);

        Assert.Null(record.HeartRate);
        Assert.Equal(0, record.Cadence);
        Assert.Null(record.SpeedMetersPerSecond);
    }

    [Fact]
    public void Record_EnhancedFields_WinOverShortOnes()
    {
        (int, int, byte)[] fields =
            [(253, 4, FitBaseType.UInt32), (2, 2, FitBaseType.UInt16), (6, 2, FitBaseType.UInt16), (73, 4, FitBaseType.UInt32), (78, 4, FitBaseType.UInt32)];
        byte[] file = new FitFileWriter().Define(0, 20, fields).Data(0, (FirstTimestamp, 4), (2_500, 2), (1_000, 2), (70_000, 4), (50_000, 4)).Build();

        FitRecord record = Assert.Single(FitReader.Read(file).Records);

        Assert.Equal(70, record.SpeedMetersPerSecond);
        Assert.Equal(9_500, record.AltitudeMeters);
    }

    [Fact]
    public void CompressedTimestamp_OffsetsRollOver_TimesRise()
    {
        // The full timestamp ends in 0 (mod 32); offsets 5, 31, 2 then mean +5, +31, +34 seconds.
        byte[] file = new FitFileWriter().Define(0, 20, RecordFields).Define(1, 20, [(3, 1, FitBaseType.UInt8)])
            .Data(0, (FirstTimestamp, 4), (100, 1), (0, 1), (0, 2))
            .Compressed(1, 5, (101, 1)).Compressed(1, 31, (102, 1)).Compressed(1, 2, (103, 1)).Build();

        FitActivity activity = FitReader.Read(file);

        Assert.Equal(0, FirstTimestamp % 32);
        Assert.Equal([0L, 5_000, 31_000, 34_000], activity.Records.Select(record => record.UnixMs - FirstUnixMs));
        Assert.Equal([100d, 101, 102, 103], activity.Records.Select(record => record.HeartRate!.Value));
    }

    [Fact]
    public void DeveloperFields_AreSkippedByTheirSize()
    {
        byte[] file = new FitFileWriter().Define(0, 20, RecordFields, 2, 4)
            .Data(0, (FirstTimestamp, 4), (120, 1), (80, 1), (1_000, 2), (0x7777, 2), (0x77777777, 4))
            .Data(0, (FirstTimestamp + 1, 4), (121, 1), (81, 1), (1_001, 2), (0x7777, 2), (0x77777777, 4)).Build();

        FitActivity activity = FitReader.Read(file);

        Assert.Null(activity.Damage);
        Assert.Equal([120d, 121], activity.Records.Select(record => record.HeartRate!.Value));
    }

    [Fact]
    public void Definition_LocalTypeRedefined_NewLayoutHolds()
    {
        byte[] file = new FitFileWriter().Define(0, 20, RecordFields).Data(0, (FirstTimestamp, 4), (90, 1), (0, 1), (0, 2))
            .Define(0, 20, [(3, 1, FitBaseType.UInt8), (253, 4, FitBaseType.UInt32)]).Data(0, (91, 1), (FirstTimestamp + 1, 4)).Build();

        Assert.Equal([90d, 91], FitReader.Read(file).Records.Select(record => record.HeartRate!.Value));
    }

    [Fact]
    public void OtherMessages_FileIdLapSessionEventDevice_AreRead()
    {
        byte[] file = new FitFileWriter()
            .Define(0, 0, [(0, 1, FitBaseType.Enum), (1, 2, FitBaseType.UInt16), (3, 4, FitBaseType.UInt32Z)]).Data(0, (4, 1), (1, 2), (0, 4))
            .Define(1, 21, [(253, 4, FitBaseType.UInt32), (0, 1, FitBaseType.Enum), (1, 1, FitBaseType.Enum)]).Data(1, (FirstTimestamp, 4), (0, 1), (0, 1))
            .Define(2, 23, [(253, 4, FitBaseType.UInt32), (2, 2, FitBaseType.UInt16)]).Data(2, (FirstTimestamp, 4), (32, 2))
            .Define(3, 19, [(253, 4, FitBaseType.UInt32), (7, 4, FitBaseType.UInt32), (25, 1, FitBaseType.Enum)]).Data(3, (FirstTimestamp, 4), (61_500, 4), (1, 1))
            .Define(4, 18, [(253, 4, FitBaseType.UInt32), (9, 4, FitBaseType.UInt32), (5, 1, FitBaseType.Enum)]).Data(4, (FirstTimestamp, 4), (12_345, 4), (2, 1))
            .Build();

        FitActivity activity = FitReader.Read(file);

        Assert.Null(activity.Damage);
        Assert.Equal(5, activity.MessageCount);
        Assert.Equal(new FitFileId(4, 1, null, null, null), activity.FileId);
        Assert.Equal(new FitEvent(FirstUnixMs, 0, 0), Assert.Single(activity.Events));
        Assert.Equal(32, Assert.Single(activity.Devices).Manufacturer);
        Assert.Equal(new FitSpan(FirstUnixMs, null, 61.5, null, 1), Assert.Single(activity.Laps));
        Assert.Equal(new FitSpan(FirstUnixMs, null, null, 123.45, 2), Assert.Single(activity.Sessions));
    }

    [Fact]
    public void Record_RelativeTimestamp_IsCountedAndLeftOut()
    {
        byte[] file = new FitFileWriter().Define(0, 20, RecordFields).Data(0, (1_000, 4), (90, 1), (0, 1), (0, 2)).Build();

        FitActivity activity = FitReader.Read(file);

        Assert.Empty(activity.Records);
        Assert.Equal(1, activity.UntimedCount);
    }

    [Fact]
    public void ChainedFile_SecondHeaderBad_KeepsFirstFile()
    {
        byte[] first = new FitFileWriter().Define(0, 20, RecordFields).Data(0, (FirstTimestamp, 4), (90, 1), (0, 1), (0, 2)).Build();
        byte[] second = [.. first];
        second[8] = (byte)'X';

        FitActivity activity = FitReader.Read([.. first, .. second]);

        Assert.Single(activity.Records);
        Assert.Equal(new FitDamage(first.Length + 8, "signature 58464954", "2E464954 (\".FIT\")"), activity.Damage);
    }

    [Fact]
    public void Damage_EveryShorterLength_KeepsRecordsBeforeAndNamesTheEnd()
    {
        FitFileWriter writer = new FitFileWriter().Define(0, 20, RecordFields);
        for (int index = 0; index < 10; index++) writer.Data(0, (FirstTimestamp + index, 4), (90 + index, 1), (0, 1), (0, 2));
        byte[] whole = writer.Build();
        const int HeaderBytes = 14, DefinitionBytes = 6 + (3 * 4), RecordBytes = 9;

        for (int length = 0; length < whole.Length; length++)
        {
            FitActivity activity = FitReader.Read(whole[..length]);

            Assert.NotNull(activity.Damage);
            Assert.Equal(Math.Clamp((length - HeaderBytes - DefinitionBytes) / RecordBytes, 0, 10), activity.Records.Count);
        }
    }

    [Fact]
    public void Damage_EveryBitFlipped_IsReportedAndNeverThrows()
    {
        FitFileWriter writer = new FitFileWriter().Define(0, 20, RecordFields);
        for (int index = 0; index < 4; index++) writer.Data(0, (FirstTimestamp + index, 4), (90 + index, 1), (0, 1), (0, 2));
        byte[] whole = writer.Build();

        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(FitReader.Read(flipped).Damage is not null, $"bit {bit} flipped and not noticed");
        }
    }

    [Fact]
    public void Damage_DataBeforeItsDefinition_NamesOffsetAndLocalType()
    {
        FitActivity activity = FitReader.Read(new FitFileWriter().Raw(0x03, 1, 2, 3).Build());

        Assert.Equal("damaged at byte 14: found a data message of local type 3, expected its definition before it", activity.Damage!.ToString());
    }
}
