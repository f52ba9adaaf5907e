using System.CommandLine;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry scenarios correct|refuse|answers|ask</c>: what people say about their own time.</summary>
internal static class AnswerCommands
{
    public static Command Correct() => Say("correct", "It was this, whatever devices and models say, now and later.", isRefused: false);

    public static Command Refuse() => Say("refuse", "It was not this: the stretch is never named so again, by no late batch and no other model.", isRefused: true);

    public static Command List()
    {
        Option<string> user = UserOption();
        Option<bool> json = JsonOption();
        Command list = new("answers", "Everything a user said about own time, in the order said.") { user, json };
        CollectorClient.AddOptions(list);
        list.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            AnswerList answers = await client.CallAsync<AnswerList>("v1/answers/List", new AnswersRequest { User = parsed.GetValue(user) }, cancellation);
            if (parsed.GetValue(json)) Console.WriteLine(JsonFormatter.Default.Format(answers));
            else Write(answers.Answers);
            return ExitCode.Done;
        }, cancellation));
        return list;
    }

    public static Command Ask()
    {
        Option<string> device = new("--device") { Description = "brand/device that asks; its profile has an event signal \"answer\"", Required = true };
        Option<string> from = FromOption(), to = ToOption();
        Option<string[]> scenarios = new("--choices") { Description = "Scenarios to choose among, at most 4; without: was it what it is named, yes or no", AllowMultipleArgumentsPerToken = true };
        Option<bool> json = JsonOption();
        Command ask = new("ask", "Have a device ask what its user did; the answer counts like a correction.") { device, from, to, scenarios, json };
        CollectorClient.AddOptions(ask);
        ask.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            string[] name = parsed.GetRequiredValue(device).Split('/', 2);
            if (name.Length < 2) throw new CommandException($"--device '{name[0]}' is not known; brand/device is expected.");
            AskRequest request = new() { Brand = name[0], Device = name[1], FromUnixMs = Instant.Parse("--from", parsed.GetValue(from)), ToUnixMs = Instant.Parse("--to", parsed.GetValue(to)) };
            request.Scenarios.AddRange(parsed.GetValue(scenarios) ?? []);
            AskedQuestion asked = await client.CallAsync<AskedQuestion>("v1/answers/Ask", request, cancellation);
            Console.WriteLine(parsed.GetValue(json) ? JsonFormatter.Default.Format(asked) : $"Question {asked.Id}: {asked.Text} ({string.Join(", ", asked.Answers)})\nThe device asks once it is connected; the answer will stand in 'scenarios answers'.");
            return ExitCode.Done;
        }, cancellation));
        return ask;
    }

    private static Command Say(string name, string description, bool isRefused)
    {
        Option<string> user = UserOption(), from = FromOption(), to = ToOption();
        Option<string> scenario = new("--scenario", "--as") { Description = "The scenario spoken of, one that the collector's model knows", Required = true };
        Option<bool> json = JsonOption();
        Command say = new(name, description) { user, from, to, scenario, json };
        CollectorClient.AddOptions(say);
        say.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            SayRequest request = new()
            {
                User = parsed.GetValue(user),
                FromUnixMs = Instant.Parse("--from", parsed.GetValue(from)),
                ToUnixMs = Instant.Parse("--to", parsed.GetValue(to)),
                Scenario = parsed.GetValue(scenario),
                Refused = isRefused,
            };
            SaidAnswer said = await client.CallAsync<SaidAnswer>("v1/answers/Say", request, cancellation);
            if (parsed.GetValue(json)) Console.WriteLine(JsonFormatter.Default.Format(said));
            else Write([said]);
            return ExitCode.Done;
        }, cancellation));
        return say;
    }

    private static void Write(IEnumerable<SaidAnswer> answers)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("from (UTC)").NoWrap()).AddColumn(new TableColumn("minutes").RightAligned()).AddColumn("said").AddColumn("had been named");
        table.AddColumn(new TableColumn("said at (UTC)").NoWrap()).AddColumn("on");
        foreach (SaidAnswer answer in answers)
        {
            table.AddRow(
                At(answer.FromUnixMs), $"{(answer.ToUnixMs - answer.FromUnixMs) / 60_000}", Markup.Escape((answer.Refused ? "not " : "") + answer.Scenario), Markup.Escape(answer.Suggested),
                At(answer.SaidUnixMs), Markup.Escape(answer.Device));
        }

        AnsiConsole.Write(table);
    }

    private static string At(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);

    private static Option<string> UserOption() => new("--user") { Description = "Whose", Required = true };

    private static Option<string> FromOption() => new("--from") { Description = "Inclusive; a time like 2026-11-22T06:00Z or unix ms", Required = true };

    private static Option<string> ToOption() => new("--to") { Description = "Exclusive; at most a day later", Required = true };

    private static Option<bool> JsonOption() => new("--json") { Description = "One JSON object on standard output" };
}
