using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry scenarios shadow</c>: what another model would name differently, before it takes over.</summary>
internal static class ShadowCommand
{
    private const string Everyone = "all";
    private const int UsersAPage = 1000;
    private const int ShownDays = 20;

    public static Command Create()
    {
        Option<string> model = new("--model") { Description = "File of the other model", Required = true };
        Option<string> user = new("--user") { Description = "Whose minutes, or all", DefaultValueFactory = _ => Everyone };
        Option<string?> from = new("--from") { Description = "Inclusive, in whole UTC days; a time like 2026-11-22T06:00Z or unix ms" }, to = new("--to") { Description = "Exclusive" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command shadow = new("shadow", "What another model would name differently in the minutes at rest. Nothing is written; 'up --model FILE' switches.") { model, user, from, to, json };
        CollectorClient.AddOptions(shadow);
        shadow.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async client =>
        {
            ShadowRequest request = new()
            {
                Model = ByteString.CopyFrom(ReadModel(parsed.GetValue(model)!)),
                FromUnixMs = Instant.Parse("--from", parsed.GetValue(from)),
                ToUnixMs = Instant.Parse("--to", parsed.GetValue(to)),
            };
            ShadowDiff diff = new();
            IReadOnlyList<string> users = parsed.GetValue(user) is { } one and not Everyone ? [one] : await UsersAsync(client, cancellation);
            foreach (string name in users)
            {
                request.User = name;
                diff.Add(name, await client.CallAsync<ShadowReport>("v1/query/Shadow", request, cancellation));
            }

            if (parsed.GetValue(json)) Console.WriteLine(ToJson(diff).ToJsonString());
            else Write(diff);
            return ExitCode.Done;
        }, cancellation));
        return shadow;
    }

    private static byte[] ReadModel(string file)
    {
        try
        {
            byte[] json = File.ReadAllBytes(file);
            ModelFile.Read(json);
            return json;
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--model '{file}': {fault.Message}");
        }
    }

    private static async Task<IReadOnlyList<string>> UsersAsync(CollectorClient client, CancellationToken cancellation)
    {
        List<string> users = [];
        ListRequest request = new() { Limit = UsersAPage };
        while (true)
        {
            UserList page = await client.CallAsync<UserList>("v1/registry/ListUsers", request, cancellation);
            users.AddRange(page.Users.Select(user => user.User_));
            if (page.Users.Count < UsersAPage) return users;
            request.After = users[^1];
        }
    }

    private static void Write(ShadowDiff diff)
    {
        SegmentDiff total = diff.Total();
        if (total.Changes.Count > 0)
        {
            Table days = new() { Border = TableBorder.Rounded };
            days.AddColumn(new TableColumn("day (UTC)").NoWrap()).AddColumn("user");
            foreach (string column in new[] { "minutes", "named differently" }) days.AddColumn(new TableColumn(column).RightAligned());
            days.AddColumn("as");
            foreach ((string user, string day, SegmentDiff changed) in diff.BiggestFirst().Take(ShownDays))
                days.AddRow(day, Markup.Escape(user), $"{changed.Minutes}", $"{changed.ChangedMinutes}", Markup.Escape(string.Join(", ", changed.Changes.Take(3).Select(Text))));
            AnsiConsole.Write(days);

            Table totals = new() { Border = TableBorder.Rounded };
            totals.AddColumn("present").AddColumn("other").AddColumn(new TableColumn("minutes").RightAligned());
            foreach (SegmentChange change in total.Changes) totals.AddRow(Markup.Escape(change.Before), Markup.Escape(change.After), $"{change.Minutes:N0}");
            AnsiConsole.Write(totals);
        }

        int changedDays = diff.BiggestFirst().Count;
        AnsiConsole.MarkupLineInterpolated($"{diff.PresentVersion} -> {diff.ShadowVersion}: [bold]{total.ChangedMinutes:N0}[/] of {total.Minutes:N0} minutes named differently, in {changedDays:N0} of {diff.DayCount:N0} user-days.");
        if (changedDays > ShownDays) AnsiConsole.MarkupLineInterpolated($"The {ShownDays} biggest days are shown; --json has all.");
    }

    private static JsonObject ToJson(ShadowDiff diff)
    {
        JsonObject json = ToJson(diff.Total());
        json.Insert(0, "presentVersion", diff.PresentVersion);
        json.Insert(1, "shadowVersion", diff.ShadowVersion);
        json.Insert(2, "userDays", diff.DayCount);
        JsonArray days = [];
        foreach ((string user, string day, SegmentDiff changed) in diff.BiggestFirst())
        {
            JsonObject one = ToJson(changed);
            one.Insert(0, "user", user);
            one.Insert(1, "day", day);
            days.Add(one);
        }

        json["days"] = days;
        return json;
    }

    private static JsonObject ToJson(SegmentDiff diff) => new()
    {
        ["minutes"] = diff.Minutes,
        ["changedMinutes"] = diff.ChangedMinutes,
        ["changes"] = new JsonArray([.. diff.Changes.Select(change => new JsonObject { ["before"] = change.Before, ["after"] = change.After, ["minutes"] = change.Minutes })]),
    };

    private static string Text(SegmentChange change) => $"{change.Before} -> {change.After} {change.Minutes}";

    /// <summary>The answers of all users asked.</summary>
    private sealed class ShadowDiff
    {
        private readonly List<(string User, string Day, SegmentDiff Diff)> _days = [];

        public string PresentVersion { get; private set; } = "";

        public string ShadowVersion { get; private set; } = "";

        public int DayCount => _days.Count;

        public void Add(string user, ShadowReport report)
        {
            (PresentVersion, ShadowVersion) = (report.PresentVersion, report.ShadowVersion);
            foreach (ShadowDay day in report.Days)
            {
                string date = DateTimeOffset.FromUnixTimeMilliseconds(day.StartUnixMs).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
                _days.Add((user, date, new SegmentDiff((int)day.Minutes, [.. day.Changes.Select(change => new SegmentChange(change.Before, change.After, (int)change.Minutes))])));
            }
        }

        public SegmentDiff Total() => SegmentDiff.Sum([.. _days.Select(day => day.Diff)]);

        public IReadOnlyList<(string User, string Day, SegmentDiff Diff)> BiggestFirst() =>
            [.. _days.Where(day => day.Diff.Changes.Count > 0).OrderByDescending(day => day.Diff.ChangedMinutes)
                .ThenBy(day => day.Day, StringComparer.Ordinal).ThenBy(day => day.User, StringComparer.Ordinal)];
    }
}
