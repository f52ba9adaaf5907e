using System.CommandLine;
using Google.Protobuf;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry erase --user U</c>: removes everything kept of a person, and prints the receipt.</summary>
internal static class EraseCommand
{
    public static Command Create()
    {
        Option<string> user = new("--user") { Description = "Whom", Required = true };
        Option<bool> yes = new("--yes") { Description = "Do not ask. Without a terminal nobody is asked" };
        Option<bool> json = new("--json") { Description = "The receipt as one JSON object on standard output" };
        Command command = new("erase", "Remove a user from the registry, the log, what was derived, the dead letters and InfluxDB.") { user, yes, json };
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            string key = parsed.GetRequiredValue(user);
            if (!parsed.GetValue(yes) && !Console.IsInputRedirected && !IsConfirmed(key)) throw new CommandException("Nothing was erased.", ExitCode.NotSo);
            ErasureReceipt receipt = await collector.CallAsync<ErasureReceipt>("v1/rights/Erase", new EraseRequest { User = key }, cancellation);
            if (parsed.GetValue(json)) Console.Out.WriteLine(new JsonFormatter(JsonFormatter.Settings.Default.WithFormatDefaultValues(true)).Format(receipt));
            else Print(receipt);
            return receipt.DoneUnixMs > 0 ? ExitCode.Done : ExitCode.NotSo;
        }, cancellation));
        return command;
    }

    private static bool IsConfirmed(string user)
    {
        Console.Error.Write($"Everything kept of '{user}' will be gone for good; `telemetry export --user {user}` saves it first. Type the user's key to go on: ");
        return Console.ReadLine()?.Trim() == user;
    }

    private static void Print(ErasureReceipt receipt)
    {
        Console.Out.WriteLine($"receipt {receipt.Id}: {(receipt.DoneUnixMs > 0 ? "done" : "not done yet: " + receipt.Left)}");
        Console.Out.WriteLine($"  registry     {receipt.Bindings} binding(s) of {receipt.Devices} device(s), {receipt.Consents} consent(s), {receipt.Answers} answer(s); {receipt.FencedEpochs} epoch(s) fenced: late batches of them are refused");
        Console.Out.WriteLine($"  log          {receipt.Batches:n0} batches, {receipt.DeadLetters:n0} dead letters");
        if (receipt.SharedBatches > 0) Console.Out.WriteLine($"               {receipt.SharedBatches:n0} of the batches held rows of someone else too, because the device changed hands");
        Console.Out.WriteLine($"  derived      {receipt.Segments:n0} segments with their revisions, {receipt.Minutes:n0} minutes");
        Console.Out.WriteLine($"  InfluxDB     {(receipt.Influx ? "series removed" : "none is written by this collector")}");
        Console.Out.WriteLine("Backups and exports made before hold the user still.");
    }
}
