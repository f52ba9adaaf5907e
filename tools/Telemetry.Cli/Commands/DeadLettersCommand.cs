using System.CommandLine;
using Google.Protobuf;
using Spectre.Console;
using Command = System.CommandLine.Command;
using Telemetry.Wire.V1;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry deadletters list|replay</c>: what could not be understood, and one more try after the fix.</summary>
internal static class DeadLettersCommand
{
    public static Command Create() => new("deadletters", "Batches that could not be understood: kept verbatim, with their reason.") { CreateList(), CreateReplay() };

    private static Command CreateList()
    {
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("list", "Show the letters that wait, oldest first.") { json };
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            DeadLetterList answer = await collector.CallAsync<DeadLetterList>("v1/deadletters/List", new DeadLettersRequest(), cancellation);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonFormatter.Default.Format(answer));
                return ExitCode.Done;
            }

            Table table = new Table().AddColumns("received (UTC)", "device", "reason", "bytes");
            foreach (DeadLetter letter in answer.Letters)
            {
                string received = DateTimeOffset.FromUnixTimeMilliseconds(letter.ReceivedUnixMs).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss");
                table.AddRow(received, Markup.Escape($"{letter.Brand}/{letter.Device}"), letter.Reason, letter.Bytes.ToString());
            }

            AnsiConsole.Write(table);
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static Command CreateReplay()
    {
        Command command = new("replay", "Try every letter again, e.g. after its profile was registered. One that is understood now is stored once.");
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            DeadLetterReplay answer = await collector.CallAsync<DeadLetterReplay>("v1/deadletters/Replay", new DeadLettersRequest(), cancellation);
            Console.Out.WriteLine($"{answer.Stored} stored, {answer.Duplicate} were stored before, {answer.StillDead} are still not understood");
            return ExitCode.Done;
        }, cancellation));
        return command;
    }
}
