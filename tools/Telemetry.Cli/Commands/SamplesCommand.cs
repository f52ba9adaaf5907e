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
        Option<string?> step = new("--step") { Description = "One row a signal and step with count, min, max, mean, last and sum: 1m, 15m, 1h, 1d or milliseconds" };
        Option<uint> limit = new("--limit") { Description = "At most so many rows; standard error then tells the --page to go on with" };
        Option<string?> page = new("--page") { Description = "Go on behind an earlier answer" };
        Option<bool> lines = new("--line-protocol") { Description = "InfluxDB line protocol on standard output" };
        Option<bool> csv = new("--csv") { Description = "CSV on standard output" };
        Option<bool> json = new("--json") { Description = "One JSON object {\"samples\": [...]} on standard output" };
        Command command = new("samples", "Read stored samples back from a running collector.") { user, device, signal, from, to, step, limit, page, csv, json, lines };
        CollectorClient.AddOptions(command);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(user) is null == parsed.GetValue(device) is null) parsed.AddError("Give either --user U or --device BRAND/DEVICE.");
            if (new[] { csv, json, lines }.Count(parsed.GetValue) > 1) parsed.AddError("Give one of --csv, --json and --line-protocol.");
        });

        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            string? deviceName = parsed.GetValue(device), userKey = parsed.GetValue(user);
            Dictionary<string, object> request = new()
            {
                ["signal"] = parsed.GetValue(signal) ?? "",
                ["fromUnixMs"] = Instant.Parse("--from", parsed.GetValue(from)),
                ["toUnixMs"] = Instant.Parse("--to", parsed.GetValue(to)),
                ["stepMs"] = Instant.ParseLength("--step", parsed.GetValue(step)),
                ["limit"] = parsed.GetValue(limit),
                ["page"] = parsed.GetValue(page) ?? "",
            };
            if (userKey is not null) request["user"] = userKey;
            if (deviceName is not null) (request["brand"], request["device"]) = DeviceName.Parse(deviceName);

            string accept = parsed.GetValue(csv) ? "text/csv" : parsed.GetValue(lines) ? "text/x-influx-line" : "application/x-ndjson";
            using HttpResponseMessage answer = await collector.PostForAnswerAsync("v1/query/Samples", request, accept, cancellation);
            await using Stream rows = await answer.Content.ReadAsStreamAsync(cancellation);
            if (parsed.GetValue(csv) || parsed.GetValue(lines))
            {
                await using Stream output = Console.OpenStandardOutput();
                await rows.CopyToAsync(output, cancellation);
            }
            else if (parsed.GetValue(json))
            {
                await WriteJsonAsync(rows, cancellation);
            }
            else
            {
                await WriteTableAsync(rows, parsed.GetValue(step) is not null, cancellation);
            }

            if (answer.Headers.TryGetValues("telemetry-next-page", out IEnumerable<string>? next)) Console.Error.WriteLine($"more: --page {next.First()}");
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

    private static async Task WriteTableAsync(Stream lines, bool isSteps, CancellationToken cancellation)
    {
        using StreamReader reader = new(lines);
        await using StreamWriter output = new(Console.OpenStandardOutput());
        string[] columns = isSteps ? ["count", "min", "max", "mean", "last"] : ["value"];
        await output.WriteLineAsync($"{"time (UTC)",-24}{"device",-28}{"signal",-16}{string.Concat(columns.Select(column => $"{column,12}"))}  {"unit",-8}+- ms");
        long count = 0;
        for (; await reader.ReadLineAsync(cancellation) is { } line; count++)
        {
            using JsonDocument sample = JsonDocument.Parse(line);
            JsonElement row = sample.RootElement;
            string time = DateTimeOffset.FromUnixTimeMilliseconds(row.GetProperty("unixMs").GetInt64()).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
            string name = $"{row.GetProperty("brand").GetString()}/{row.GetProperty("device").GetString()}";
            string values = string.Concat(columns.Select(column => $"{Number(row.GetProperty(column)),12}"));
            uint error = row.GetProperty("errorMs").GetUInt32();
            await output.WriteLineAsync($"{time,-24}{name,-28}{row.GetProperty("signal").GetString(),-16}{values}  {row.GetProperty("unit").GetString(),-8}{(error == uint.MaxValue ? "?" : error)}");
        }

        await output.FlushAsync(cancellation);
        Console.Error.WriteLine($"{count:N0} {(isSteps ? "rows" : "samples")}");
    }

    // NaN and the infinities come as strings.
    private static string Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetDouble().ToString("G10", CultureInfo.InvariantCulture);
}
