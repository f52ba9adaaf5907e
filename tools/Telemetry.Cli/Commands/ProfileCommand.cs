using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry profile check FILE</c>: validates a model's profile and names every fault with its line.</summary>
internal static class ProfileCommand
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = "The profile, JSON" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command check = new("check", "Validate a model's profile; every fault is named with its line.") { file, json };
        check.SetAction(parsed => Check(parsed.GetValue(file)!, parsed.GetValue(json)));
        return new Command("profile", "Profiles: what a model measures.") { check };
    }

    private static int Check(string file, bool asJson)
    {
        byte[] text;
        try
        {
            FileInfo info = new(file);
            // One byte more than allowed is enough for the reader to say that it is too much.
            text = info.Length <= WireLimits.MaxProfileBytes ? File.ReadAllBytes(file) : new byte[Math.Min(info.Length, int.MaxValue / 2)];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The profile '{file}' cannot be read: {fault.Message}");
            return ExitCode.BadInput;
        }

        ProfileReadResult result = ProfileReader.Read(text);
        if (asJson) WriteJson(file, result);
        else WriteText(file, result);
        return result.IsValid ? ExitCode.Done : ExitCode.NotSo;
    }

    private static void WriteJson(string file, ProfileReadResult result) => Console.WriteLine(JsonSerializer.Serialize(new
    {
        file,
        valid = result.IsValid,
        model = result.Profile?.Model,
        version = result.Profile?.Version,
        hash = result.Profile is { } profile ? $"{profile.Hash:x8}" : null,
        signals = result.Profile?.Signals.Select(signal => new
        {
            signal.Id,
            signal.Key,
            signal.Unit,
            kind = ProfileHash.Name(signal.Kind),
            signal.Resolution,
            signal.Min,
            signal.Max,
            privacy = ProfileHash.Name(signal.Privacy),
            signal.PeriodMs,
            samplesPerDay = SamplesPerDay(signal),
            atMostBytesPerDay = BytesPerDay(signal),
        }),
        faults = result.Faults,
        notes = result.Notes,
    }, s_json));

    private static void WriteText(string file, ProfileReadResult result)
    {
        // file:line:column, as compilers write it, so that editors jump there.
        foreach (ProfileFault fault in result.Faults) Console.Error.WriteLine($"{file}:{fault}");
        foreach (ProfileFault note in result.Notes) Console.Error.WriteLine($"{file}:{note} (a note, not a fault)");
        if (result.Profile is not { } profile)
        {
            Console.Error.WriteLine($"{result.Faults.Count} fault{(result.Faults.Count == 1 ? "" : "s")}; no profile.");
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        table.Title($"{Markup.Escape(profile.Model)} version {profile.Version}, hash {profile.Hash:x8}");
        foreach (string column in new[] { "id", "key", "unit", "kind", "step", "range", "privacy", "every", "bytes a day, at most" }) table.AddColumn(column);
        foreach (SignalDefinition signal in profile.Signals)
        {
            table.AddRow(
                $"{signal.Id}", Markup.Escape(signal.Key), Markup.Escape(signal.Unit), ProfileHash.Name(signal.Kind), $"{signal.Resolution:R}", $"{signal.Min:R} .. {signal.Max:R}",
                ProfileHash.Name(signal.Privacy), signal.PeriodMs == 0 ? "on change" : $"{signal.PeriodMs} ms", BytesPerDay(signal) is { } bytes ? $"{bytes:N0}" : "");
        }

        AnsiConsole.Write(table);
    }

    private static long? SamplesPerDay(SignalDefinition signal) => signal.PeriodMs == 0 ? null : 86_400_000L / signal.PeriodMs;

    // An upper estimate: every sample anywhere in its range, so log2(range / resolution) bits each, 64 for a real. Real signals move little and pack far smaller.
    private static long? BytesPerDay(SignalDefinition signal)
    {
        double bits = signal.Kind == SignalKind.Real ? 64 : Math.Log2(Math.Max(1, (signal.Max - signal.Min) / signal.Resolution) + 1);
        return SamplesPerDay(signal) is { } samples ? (long)Math.Ceiling(samples * bits / 8) : null;
    }
}
