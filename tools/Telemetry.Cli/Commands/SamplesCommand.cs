using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry samples</c>: raw samples back, in time order, as a table, CSV or JSON.</summary>
internal static class SamplesCommand
{
    public static Command Create()
    {
        Option<string?> user = new("--user") { Description = "Every device bound to this user, while it was bound" };
        Option<string?> device = new("--device") { Description = "One device: brand/device" };
        Option<string?> signal = new("--signal") { Description = "Signal key, e.g. heart_rate; default all" };
        Option<string?> from = new("--from") { Description = "First instant, inclusive: 2026-01-31, 2026-01-31T12:00:00Z or unix ms" };
        Option<string?> to = new("--to") { Description = "Last instant, exclusive" };
        Option<bool> csv = new("--csv") { Description = "CSV on standard output" };
        Option<bool> json = new("--json") { Description = "One JSON object {\"samples\": [...]} on standard output" };
        Command command = new("samples", "Read stored samples back from a running collector.") { user, device, signal, from, to, csv, json };
        CollectorClient.AddOptions(command);

        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            string? deviceName = parsed.GetValue(device), userKey = parsed.GetValue(user);
            if (deviceName is null == userKey is null) throw new CommandException("Give either --user U or --device BRAND/DEVICE.");
            Dictionary<string, object> request = new()
            {
                ["signal"] = parsed.GetValue(signal) ?? "",
                ["fromUnixMs"] = Instant.Parse("--from", parsed.GetValue(from)),
                ["toUnixMs"] = Instant.Parse("--to", parsed.GetValue(to)),
            };
            if (userKey is not null) request["user"] = userKey;
            if (deviceName is not null)
            {
                string[] parts = deviceName.Split('/');
                if (parts.Length != 2) throw new CommandException($"--device '{deviceName}' has {parts.Length} part(s); brand/device is expected, e.g. acme/band-1.");
                (request["brand"], request["device"]) = (parts[0], parts[1]);
            }

            await using Stream answer = await collector.PostStreamAsync("v1/query/Samples", request, parsed.GetValue(csv) ? "text/csv" : "application/x-ndjson", cancellation);
            if (parsed.GetValue(csv))
            {
                await using Stream output = Console.OpenStandardOutput();
                await answer.CopyToAsync(output, cancellation);
            }
            else if (parsed.GetValue(json))
            {
                await WriteJsonAsync(answer, cancellation);
            }
            else
            {
                await WriteTableAsync(answer, cancellation);
            }

            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static async Task WriteJsonAsync(Stream lines, CancellationToken cancellation)
    {
        using StreamReader reader = new(lines);
        await using StreamWriter output = new(Console.OpenStandardOutput());
        await output.WriteAsync("{\"samples\":[");
        for (bool isFirst = true; await reader.ReadLineAsync(cancellation) is { } line; isFirst = false)
        {
            if (!isFirst) await output.WriteAsync(",\n");
            await output.WriteAsync(line);
        }

        await output.WriteLineAsync("]}");
    }

    private static async Task WriteTableAsync(Stream lines, CancellationToken cancellation)
    {
        using StreamReader reader = new(lines);
        await using StreamWriter output = new(Console.OpenStandardOutput());
        await output.WriteLineAsync($"{"time (UTC)",-24}{"device",-28}{"signal",-16}{"value",14}  {"unit",-8}+- ms");
        long count = 0;
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            using JsonDocument sample = JsonDocument.Parse(line);
            JsonElement row = sample.RootElement;
            string time = DateTimeOffset.FromUnixTimeMilliseconds(row.GetProperty("unixMs").GetInt64()).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
            string name = $"{row.GetProperty("brand").GetString()}/{row.GetProperty("device").GetString()}";
            uint error = row.GetProperty("errorMs").GetUInt32();
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{time,-24}{name,-28}{row.GetProperty("signal").GetString(),-16}{row.GetProperty("value").GetDouble(),14}  {row.GetProperty("unit").GetString(),-8}{(error == uint.MaxValue ? "?" : error)}"));
            count++;
        }

        await output.FlushAsync(cancellation);
        Console.Error.WriteLine($"{count:N0} samples");
    }
}
