using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Log.Disk;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry doctor --data DIR</c>: checks a stopped data folder: every record's CRC, every batch once, gaps, conservation.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        Option<string> data = new("--data") { Description = "Data folder of a stopped collector", Required = true };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command doctor = new("doctor", "Check a stopped data folder: records, checksums, gaps, conservation.") { data, json };
        doctor.SetAction(parsed => Check(parsed.GetValue(data)!, parsed.GetValue(json)));
        return doctor;
    }

    private static int Check(string data, bool asJson)
    {
        // The collector keeps its log in log/; a bare log folder is taken too.
        string folder = Path.Combine(data, "log") is var inside && Directory.Exists(inside) ? inside : data;
        if (!Directory.Exists(folder) || !Directory.EnumerateFiles(folder, "*.seg").Any())
        {
            Console.Error.WriteLine($"'{data}' holds no log: a collector's data folder, with log/*.seg in it, is expected.");
            return ExitCode.BadInput;
        }

        FolderInspection found;
        try
        {
            FileLogDisk disk = new(folder);
            using IDisposable held = disk.Lock();
            found = FolderInspection.Of(disk);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCode.Unreachable;
        }

        if (asJson) WriteJson(folder, found);
        else WriteText(found);
        return found.IsSound ? ExitCode.Done : ExitCode.NotSo;
    }

    private static void WriteJson(string folder, FolderInspection found) => Console.WriteLine(JsonSerializer.Serialize(new
    {
        folder,
        sound = found.IsSound,
        segments = found.Log.Segments.Count,
        records = found.Log.Records,
        recordBytes = found.Log.Segments.Sum(segment => segment.Bytes),
        damagedBytes = found.Log.DamagedBytes,
        damaged = found.Log.Segments.Where(segment => segment.DamagedBytes > 0),
        unreadableSegments = found.Log.UnreadableSegments,
        batches = found.Batches,
        deadLetters = found.DeadLetters,
        unsettledDeadLetters = found.UnsettledDeadLetters,
        unreadableBatches = found.UnreadableBatches,
        duplicates = found.Duplicates,
        devices = found.Devices,
        epochs = found.Epochs,
        missing = found.Missing,
        dropped = found.Dropped,
        gaps = found.Gaps,
        consumers = found.Log.Cursors,
    }, s_json));

    private static void WriteText(FolderInspection found)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("segment").AddColumn("records").AddColumn("bytes").AddColumn("damaged bytes");
        foreach (SegmentInspection segment in found.Log.Segments)
        {
            table.AddRow(segment.File, $"{segment.Records:N0}", $"{segment.Bytes:N0}", segment.DamagedBytes == 0 ? "" : $"{segment.DamagedBytes:N0} in {segment.DamagedSpans}");
        }

        foreach (string file in found.Log.UnreadableSegments) table.AddRow(file, "", "", "header damaged");
        AnsiConsole.Write(table);
        Console.WriteLine($"{found.Batches:N0} batches of {found.Devices:N0} devices ({found.Epochs:N0} epochs), {found.Duplicates:N0} stored twice, {found.UnreadableBatches:N0} not readable");
        Console.WriteLine($"{found.DeadLetters:N0} dead letters, {found.UnsettledDeadLetters:N0} of them not settled");
        Console.WriteLine($"{found.Missing:N0} batches never came; {found.Dropped:N0} came and went by erasure or retention");
        foreach (DeviceGap gap in found.Gaps.Take(20)) Console.WriteLine($"  device {gap.DeviceKey} epoch {gap.Epoch:x8}: {gap.First}..{gap.Last}");
        if (found.Gaps.Count > 20) Console.WriteLine($"  and {found.Gaps.Count - 20} more ranges (--json lists {FolderInspection.MaxGaps})");
        foreach (CursorInspection cursor in found.Log.Cursors) Console.WriteLine($"{cursor.Consumer} is {cursor.LagBytes:N0} bytes behind");
        Console.WriteLine(found.IsSound ? "Sound." : "NOT SOUND: see the damaged, unreadable or doubled parts above.");
    }
}
