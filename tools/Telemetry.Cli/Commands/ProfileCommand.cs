using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Simulator;
using Telemetry.Simulator.Devices;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry profile check FILE</c> validates a model's profile and names every fault with its line; <c>telemetry profile generate</c> writes the
/// firmware's constants and tables from it.</summary>
internal static class ProfileCommand
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = "The profile, JSON" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command check = new("check", "Validate a model's profile; every fault is named with its line.") { file, json };
        check.SetAction(parsed => Check(parsed.GetValue(file)!, parsed.GetValue(json)));

        Option<string?> output = new("--out") { Description = "Where to write; default: standard output" };
        Option<string> space = new("--namespace") { Description = "Namespace of the class Signals", DefaultValueFactory = _ => "Firmware" };
        Command generate = new("generate", "Write the firmware's C#: a constant for each signal, and the profile's tables.") { file, output, space };
        generate.SetAction(parsed => Generate(parsed.GetValue(file)!, parsed.GetValue(output), parsed.GetValue(space)!));
        return new Command("profile", "Profiles: what a model measures.") { check, generate };
    }

    private static int Check(string file, bool asJson)
    {
        if (Read(file) is not { } result) return ExitCode.BadInput;
        if (asJson) WriteJson(file, result);
        else WriteText(file, result);
        return result.IsValid ? ExitCode.Done : ExitCode.NotSo;
    }

    private static int Generate(string file, string? output, string space)
    {
        if (!space.Split('.').All(IsIdentifier))
        {
            Console.Error.WriteLine($"--namespace is '{space}'; identifiers of letters, digits and '_', joined by dots, are expected.");
            return ExitCode.BadInput;
        }

        if (Read(file) is not { } result) return ExitCode.BadInput;
        if (result.Profile is not { } profile)
        {
            WriteFaults(file, result);
            return ExitCode.BadInput;
        }

        try
        {
            string source = FirmwareSource.Generate(profile, Path.GetFileName(file), space);
            if (output is null)
            {
                Console.Write(source);
                return ExitCode.Done;
            }

            File.WriteAllText(output, source);
            Console.Error.WriteLine($"{output}: {profile.Signals.Count} signals of {profile.Model} version {profile.Version}, hash {profile.Hash:x8}");
            return ExitCode.Done;
        }
        catch (Exception fault) when (fault is InputException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCode.BadInput;
        }
    }

    private static bool IsIdentifier(string word) =>
        word.Length > 0 && (char.IsAsciiLetter(word[0]) || word[0] == '_') && word.All(character => char.IsAsciiLetterOrDigit(character) || character == '_');

    private static ProfileReadResult? Read(string file)
    {
        try
        {
            FileInfo info = new(file);
            // Of a file that is too long the reader tells the length alone, so nothing of it is read.
            return ProfileReader.Read(info.Length <= WireLimits.MaxProfileBytes ? File.ReadAllBytes(file) : new byte[Math.Min(info.Length, int.MaxValue / 2)]);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The profile '{file}' cannot be read: {fault.Message}");
            return null;
        }
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

    // file:line:column, as compilers write it, so that editors jump there.
    private static void WriteFaults(string file, ProfileReadResult result)
    {
        foreach (ProfileFault fault in result.Faults) Console.Error.WriteLine($"{file}:{fault}");
    }

    private static void WriteText(string file, ProfileReadResult result)
    {
        WriteFaults(file, result);
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
