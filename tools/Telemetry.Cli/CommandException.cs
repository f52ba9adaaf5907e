namespace Telemetry.Cli;

/// <summary>Ends a command with a text for its user and an exit code; never with a stack trace.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCode.BadInput) : Exception(message)
{
    /// <summary>One of <see cref="Cli.ExitCode"/>.</summary>
    public int Code { get; } = exitCode;
}
