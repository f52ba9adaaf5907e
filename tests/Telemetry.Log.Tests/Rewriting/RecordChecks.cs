namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Reading all of a log, and holding what two readings gave against each other.</summary>
internal static class RecordChecks
{
    public static List<LogRecord> Records(BlockLog log, uint deviceKey = 0)
    {
        List<LogRecord> records = [];
        using LogReader reader = deviceKey == 0 ? log.OpenReader() : log.OpenDeviceReader(0, deviceKey);
        while (reader.TryRead(out LogRecord record)) records.Add(record with { Payload = record.Payload.ToArray() });
        Assert.Equal(0, reader.DamagedBytes);
        return records;
    }

    /// <summary>Every row of a device with what its batch said of itself, in no order.</summary>
    public static List<string> Rows(RowReader reader)
    {
        List<string> rows = [];
        while (reader.TryRead()) AddRows(reader, rows);
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    public static void AddRows(RowReader block, List<string> rows)
    {
        for (int row = 0; row < block.TimesMs.Length; row++)
        {
            string values = "";
            for (int column = 0; column < block.ColumnCount; column++) values += $" {block.SignalId(column)}:{block.IsReal(column)}:{block.Values(column)[row]}";
            rows.Add($"{block.Header} {block.ReceivedUnixMs} {block.TimesMs[row]} {(block.Quality.IsEmpty ? 0 : block.Quality[row])}{values}");
        }
    }

    public static List<string> Rows(BlockLog log, uint device)
    {
        using RowReader reader = log.OpenRowReader(device);
        return Rows(reader);
    }

    public static void AssertSame(List<LogRecord> expected, List<LogRecord> found)
    {
        Assert.Equal(expected.Select(record => record with { Payload = default }), found.Select(record => record with { Payload = default }));
        Assert.All(expected.Zip(found), pair => Assert.True(pair.First.Payload.Span.SequenceEqual(pair.Second.Payload.Span), $"the bytes at {pair.First.Position} differ"));
    }
}
