using System.CommandLine;
using System.Text.RegularExpressions;

namespace Telemetry.Cli;

/// <summary>What is wrong with a command line, as a line each on standard error: standard output stays with the answers.</summary>
internal static partial class ParseFaults
{
    private const string NoCommand = "Required command was not provided.";

    /// <summary>Says every fault and where the cure stands.</summary>
    public static void Write(ParseResult parsed)
    {
        string[] faults = [.. parsed.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal)];
        foreach (string fault in faults.Length == 1 ? faults : faults.Where(fault => fault != NoCommand))
        {
            Console.Error.WriteLine(fault == NoCommand ? $"A command is missing; one of {string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(command => command.Name))} is expected." : Text(fault));
        }

        IEnumerable<string> names = Lineage(parsed.CommandResult).Reverse().Skip(1).Select(result => result.Command.Name);
        Console.Error.WriteLine($"See: {string.Join(' ', ["telemetry", .. names, "--help"])}");
    }

    private static IEnumerable<System.CommandLine.Parsing.CommandResult> Lineage(System.CommandLine.Parsing.CommandResult? result)
    {
        for (; result is not null; result = result.Parent as System.CommandLine.Parsing.CommandResult) yield return result;
    }

    // The parser's own texts name types of .NET and run over several lines.
    private static string Text(string fault)
    {
        string line = string.Join(' ', fault.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return OfType().Replace(line, type => type.Value.Contains("Boolean", StringComparison.Ordinal) ? "; true or false is expected." : "; a number is expected.");
    }

    [GeneratedRegex(" as expected type '[^']*'\\.", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfType();
}
