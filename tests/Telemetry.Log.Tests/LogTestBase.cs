using System.Buffers.Binary;

namespace Telemetry.Log.Tests;

/// <summary>Small helpers over a log without a writer thread.</summary>
public abstract class LogTestBase
{
    protected const int SegmentBytes = 1 << 20;

    protected static BlockLog Open(SimulatedDisk disk, TimeProvider? time = null) =>
        BlockLog.OpenManual(new BlockLogOptions { Disk = disk, SegmentBytes = SegmentBytes, BufferBytes = 1 << 20 }, time);

    /// <summary>A payload that names its number and fills up with bytes derived from it.</summary>
    protected static byte[] Payload(int number, int length = 100)
    {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++) payload[i] = (byte)((number * 31) + i);
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        return payload;
    }

    protected static long Append(BlockLog log, int number, uint deviceKey = 1, int length = 100)
    {
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, deviceKey, 1_000 + number, Payload(number, length), out long position));
        return position;
    }

    /// <summary>Numbers of all records, each checked to be whole.</summary>
    protected static List<int> ReadAll(BlockLog log, uint deviceKey = 0)
    {
        List<int> numbers = [];
        using LogReader reader = deviceKey == 0 ? log.OpenReader() : log.OpenDeviceReader(0, deviceKey);
        while (reader.TryRead(out LogRecord record))
        {
            int number = BinaryPrimitives.ReadInt32LittleEndian(record.Payload.Span);
            Assert.Equal(Payload(number, record.Payload.Length), record.Payload.ToArray());
            numbers.Add(number);
        }

        return numbers;
    }
}
