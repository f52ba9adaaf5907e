using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry device check BRAND/DEVICE</c>: what came of a device, and what its firmware does wrong.</summary>
internal static class DeviceCheckCommand
{
    public static Command Create()
    {
        Argument<string> device = new("BRAND/DEVICE") { Description = "The device" };
        Option<string?> from = new("--from") { Description = "Judge only what was received from here on, e.g. since the last build was flashed: 2026-01-31T12:00:00Z or unix ms" };
        Option<bool> json = new("--json") { Description = "The report as one JSON object on standard output" };
        Command command = new("check", "Show what came of a device and what is wrong with it; exit code 1 while there are faults.") { device, from, json };
        CollectorClient.AddOptions(command);
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            string[] parts = parsed.GetRequiredValue(device).Split('/');
            if (parts.Length != 2) throw new CommandException($"'{parsed.GetRequiredValue(device)}' is no device; BRAND/DEVICE is expected, e.g. acme/band-1.");
            CheckDeviceRequest request = new() { Brand = parts[0], Device = parts[1], FromUnixMs = Instant.Parse("--from", parsed.GetValue(from)) };
            DeviceReport report = await collector.CallAsync<DeviceReport>("v1/query/CheckDevice", request, cancellation);
            if (parsed.GetValue(json)) Console.Out.WriteLine(new JsonFormatter(JsonFormatter.Settings.Default.WithFormatDefaultValues(true)).Format(report));
            else Print(report);
            return report.Findings.Any(finding => finding.Kind == DeviceFindingKind.Fault) ? ExitCode.NotSo : ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static void Print(DeviceReport report)
    {
        double bytesASample = report.Samples == 0 ? 0 : (double)report.Bytes / report.Samples;
        Console.Out.WriteLine($"{report.Brand}/{report.Device} ({report.Model}): {report.Samples:n0} samples in {report.Batches:n0} batches, {report.Uploads:n0} uploads, {report.Bytes:n0} bytes ({bytesASample:0.00} a sample)");
        if (report.Batches > 0) Console.Out.WriteLine($"received {Time(report.FirstReceivedUnixMs)} to {Time(report.LastReceivedUnixMs)}");
        if (report.Signals.Count > 0)
        {
            Table table = new Table { Border = TableBorder.Rounded }.AddColumns("signal", "samples", "values", "every", "profile", "dropped");
            foreach (SignalReport signal in report.Signals)
            {
                table.AddRow(
                    Markup.Escape(signal.Signal), $"{signal.Samples:n0}", Markup.Escape(Range(signal)),
                    signal.PeriodMs == 0 ? "" : Seconds(signal.PeriodMs), signal.ProfilePeriodMs == 0 ? "on change" : Seconds(signal.ProfilePeriodMs), $"{signal.Dropped:n0}");
            }

            AnsiConsole.Write(table);
        }

        foreach (DeviceFinding finding in report.Findings)
        {
            Console.Out.WriteLine($"{(finding.Kind == DeviceFindingKind.Fault ? "fault" : "warning"),-8}{finding.Subject}: {finding.Text}");
        }

        if (report.Findings.Count == 0) Console.Out.WriteLine("Nothing is wrong.");
    }

    private static string Range(SignalReport signal) =>
        double.IsNaN(signal.Min) ? "" : string.Create(CultureInfo.InvariantCulture, $"{signal.Min:0.######} to {signal.Max:0.######} {(signal.Unit == "1" ? "" : signal.Unit)}");

    private static string Seconds(long ms) => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000.0:0.###} s");

    private static string Time(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
