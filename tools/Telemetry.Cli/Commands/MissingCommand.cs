using System.CommandLine;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry missing</c>: batches that never came though later ones of their device did.</summary>
internal static class MissingCommand
{
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    public static Command Create()
    {
        Option<string?> device = new("--device") { Description = "BRAND/DEVICE; default all" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("missing", "Batches that never came; each device is asked for its own until they come.") { device, json };
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            string[] names = parsed.GetValue(device)?.Split('/', 2) ?? ["", ""];
            if (names.Length != 2) throw new CommandException($"--device '{names[0]}' is no device; BRAND/DEVICE is expected, e.g. acme/band-1.");
            MissingList answer = await collector.CallAsync<MissingList>("v1/missing/List", new MissingRequest { Brand = names[0], Device = names[1] }, cancellation);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(s_formatter.Format(answer));
                return ExitCode.Done;
            }

            Table table = new Table().AddColumns("device", "epoch", "first seq", "last seq", "");
            foreach (MissingRange range in answer.Ranges)
                table.AddRow(Markup.Escape($"{range.Brand}/{range.Device}"), $"{range.Epoch:x8}", $"{range.First}", $"{range.Last}", range.SomeCame ? "some of them came" : "");
            AnsiConsole.Write(table);
            return ExitCode.Done;
        }, cancellation));
        return command;
    }
}
