using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry device order|orders BRAND/DEVICE</c>: what a device is told until it is told otherwise.</summary>
internal static class OrderCommands
{
    private const string Usual = "usual";
    private const int DayS = 86_400;
    private static readonly Option<bool> s_json = new("--json") { Description = "What stands as one JSON object on standard output" };
    private static readonly Argument<string> s_device = new("BRAND/DEVICE") { Description = "The device" };

    public static Command Order()
    {
        Option<string[]> rate = new("--rate") { Description = "SIGNAL=PERIOD, e.g. heart_rate=5s; SIGNAL=off takes none; SIGNAL=usual is the profile's again. As often as there are signals", AllowMultipleArgumentsPerToken = true };
        Option<string?> every = new("--upload-every") { Description = "At most one upload in this time, e.g. 15m or 6h; 'usual' = as the firmware is set again" };
        Option<string?> window = new("--upload-window") { Description = "One upload a day between two times, UTC, e.g. 02:00-05:00; each device gets an instant of its own in it" };
        Option<string?> batch = new("--max-batch-bytes") { Description = "Batches of several blocks stay below this, e.g. 1024 on a link that loses long ones; 'usual' = as the firmware is set again" };
        Option<bool> clear = new("--clear") { Description = "First take back all that stands, an open question too" };
        Command order = new("order", "Tell a device how often to sample and to upload and how long its batches may be, until it is told otherwise. A connected device hears of it at once, another with its next connection.")
        {
            s_device, rate, every, window, batch, clear, s_json,
        };
        RegistryTarget.AddOptions(order);
        order.SetAction((parsed, cancellation) => RegistryTarget.RunAsync(parsed, async target =>
        {
            (string brand, string device) = NamesOf(parsed);
            OrderRequest request = new()
            {
                Brand = brand, Device = device, Clear = parsed.GetValue(clear), Upload = UploadOf(parsed.GetValue(every), parsed.GetValue(window)), Batch = BatchOf(parsed.GetValue(batch)),
            };
            request.Rates.AddRange((parsed.GetValue(rate) ?? []).Select(RateOf));
            if (!request.Clear && request.Upload is null && request.Batch is null && request.Rates.Count == 0)
                throw new CommandException("Nothing is ordered; --rate SIGNAL=PERIOD, --upload-every, --upload-window, --max-batch-bytes or --clear is expected. What stands is shown by: telemetry device orders.");
            Write(await target.CallAsync<StandingOrders>("PutOrders", request, cancellation), parsed.GetValue(s_json));
        }, cancellation));
        return order;
    }

    public static Command Orders()
    {
        Command orders = new("orders", "Show what a device is told, since when, and whether it has confirmed that.") { s_device, s_json };
        RegistryTarget.AddOptions(orders);
        orders.SetAction((parsed, cancellation) => RegistryTarget.RunAsync(parsed, async target =>
        {
            (string brand, string device) = NamesOf(parsed);
            Write(await target.CallAsync<StandingOrders>("ListOrders", new OrdersRequest { Brand = brand, Device = device }, cancellation), parsed.GetValue(s_json));
        }, cancellation));
        return orders;
    }

    private static RateOrder RateOf(string text)
    {
        string[] parts = text.Split('=');
        if (parts.Length != 2 || parts[0].Length == 0) throw new CommandException($"--rate '{text}' is no rate; SIGNAL=PERIOD is expected, e.g. heart_rate=5s, heart_rate=off or heart_rate={Usual}.");
        return parts[1] switch
        {
            "off" => new RateOrder { Signal = parts[0] },
            Usual => new RateOrder { Signal = parts[0], Usual = true },
            _ => new RateOrder { Signal = parts[0], PeriodMs = (uint)Math.Min(uint.MaxValue, Instant.ParseLength("--rate", parts[1])) },
        };
    }

    private static UploadTimes? UploadOf(string? every, string? window)
    {
        if (every is not null && window is not null) throw new CommandException("--upload-every and --upload-window exclude each other; one of them is expected.");
        if (every == Usual) return new UploadTimes();
        if (every is not null)
        {
            uint interval = (uint)Math.Clamp(Instant.ParseLength("--upload-every", every) / 1000, 1, uint.MaxValue);
            return new UploadTimes { IntervalS = interval, SpreadS = interval };
        }

        if (window is null) return null;
        string[] ends = window.Split('-');
        if (ends.Length != 2 || !TryReadTime(ends[0], out int from) || !TryReadTime(ends[1], out int to) || from == to)
            throw new CommandException($"--upload-window '{window}' is no window; two times of the day are expected, UTC, e.g. 02:00-05:00 or 22:30-01:00.");
        return new UploadTimes { IntervalS = DayS, OffsetS = (uint)from, SpreadS = (uint)((to - from + DayS) % DayS) };
    }

    private static BatchLimit? BatchOf(string? text)
    {
        if (text is null or Usual) return text is null ? null : new BatchLimit();
        if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint bytes) || bytes == 0)
            throw new CommandException($"--max-batch-bytes '{text}' is no length; a number of bytes or '{Usual}' is expected.");
        return new BatchLimit { MaxBytes = bytes };
    }

    private static bool TryReadTime(string text, out int seconds)
    {
        bool isTime = TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly time);
        seconds = (int)time.ToTimeSpan().TotalSeconds;
        return isTime;
    }

    private static (string Brand, string Device) NamesOf(ParseResult parsed)
    {
        string[] parts = parsed.GetRequiredValue(s_device).Split('/');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw new CommandException($"'{parsed.GetRequiredValue(s_device)}' is no device; BRAND/DEVICE is expected, e.g. acme/band-1.");
    }

    private static void Write(StandingOrders orders, bool isJson)
    {
        if (isJson)
        {
            Console.WriteLine(new JsonFormatter(JsonFormatter.Settings.Default.WithFormatDefaultValues(true)).Format(orders));
            return;
        }

        if (orders.Rates.Count == 0 && orders.Upload is null && orders.Batch is null && orders.Question is null && orders.Withdrawn.Count == 0)
        {
            Console.WriteLine($"{orders.Brand}/{orders.Device} is told nothing: profile and firmware hold.");
            return;
        }

        Table table = new Table { Border = TableBorder.Rounded }.AddColumns("order", "", "since");
        foreach (RateOrder rate in orders.Rates) table.AddRow(Markup.Escape(rate.Signal), rate.PeriodMs == 0 ? "off" : $"every {Length(rate.PeriodMs)}", Time(rate.SinceUnixMs));
        if (orders.Upload is { } upload) table.AddRow("upload", Rhythm(upload), Time(upload.SinceUnixMs));
        if (orders.Batch is { } batch) table.AddRow("batch", string.Create(CultureInfo.InvariantCulture, $"at most {batch.MaxBytes:n0} B"), Time(batch.SinceUnixMs));
        if (orders.Question is { } question) table.AddRow($"question {question.Id}", Markup.Escape($"{question.Text} ({string.Join(", ", question.Answers)})"), Time(orders.QuestionSinceUnixMs));
        if (orders.Withdrawn.Count > 0) table.AddRow("not captured", Markup.Escape(string.Join(", ", orders.Withdrawn)), "the user's consent was withdrawn");
        AnsiConsole.Write(table);
        Console.WriteLine(orders.ConfirmedUnixMs > 0 ? $"confirmed by the device {Time(orders.ConfirmedUnixMs)}" : "not confirmed by the device yet (over gRPC or a broker it never is)");
    }

    private static string Rhythm(UploadTimes upload) =>
        upload.IntervalS == DayS ? $"daily at {TimeSpan.FromSeconds(upload.OffsetS):hh\\:mm\\:ss}Z" : $"every {Length(upload.IntervalS * 1000.0)}, {Length(upload.OffsetS * 1000.0)} into it";

    private static string Length(double ms) => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000:0.###} s");

    private static string Time(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
