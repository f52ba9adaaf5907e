namespace Telemetry.Cli;

/// <summary>What the command line answers the shell. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    /// <summary>Did it.</summary>
    public const int Done = 0;

    /// <summary>The thing asked about is not so: a failed check, a lost sample.</summary>
    public const int NotSo = 1;

    /// <summary>Bad arguments or input; a clear text says which.</summary>
    public const int BadInput = 2;

    /// <summary>Could not reach or start something.</summary>
    public const int Unreachable = 3;
}
