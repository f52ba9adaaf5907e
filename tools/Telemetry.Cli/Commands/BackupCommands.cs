using System.CommandLine;
using System.Text.Json;
using Telemetry.Collector.Backup;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry backup</c> and <c>telemetry restore</c>: a data folder, copied while its collector runs, and back.</summary>
internal static class BackupCommands
{
    public static Command CreateBackup()
    {
        Option<string> data = new("--data") { Description = "The collector's data folder; it may be running", Required = true };
        Option<string> target = new("--out") { Description = "New or empty folder for the copy", Required = true };
        Option<bool> json = new("--json") { Description = "One JSON object" };
        Command command = new("backup", "Copy a data folder, also of a running collector, with hashes to verify it by.") { data, target, json };
        command.SetAction(parsed => Run(
            () => DataBackup.Create(parsed.GetValue(data)!, parsed.GetValue(target)!, TimeProvider.System.GetUtcNow()), "backed up", parsed.GetValue(json)));
        return command;
    }

    public static Command CreateRestore()
    {
        Option<string> from = new("--from") { Description = "A backup", Required = true };
        Option<string> data = new("--data") { Description = "New or empty data folder", Required = true };
        Option<bool> json = new("--json") { Description = "One JSON object" };
        Command command = new("restore", "Make a data folder of a backup, once every file has the hash it had.") { from, data, json };
        command.SetAction(parsed => Run(() => DataBackup.Restore(parsed.GetValue(from)!, parsed.GetValue(data)!), "restored", parsed.GetValue(json)));
        return command;
    }

    private static int Run(Func<BackupReport> work, string done, bool asJson)
    {
        try
        {
            BackupReport report = work();
            if (asJson) Console.WriteLine(JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
            else Console.WriteLine($"{report.Files:N0} files, {report.Bytes:N0} bytes, {report.Batches:N0} batches {done}; {(report.IsSound ? "sound" : "NOT SOUND: see telemetry doctor")}.");
            return report.IsSound ? ExitCode.Done : ExitCode.NotSo;
        }
        catch (InvalidDataException fault)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCode.BadInput;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or Microsoft.Data.Sqlite.SqliteException)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCode.Unreachable;
        }
    }
}
