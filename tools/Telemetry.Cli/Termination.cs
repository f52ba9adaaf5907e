using System.Runtime.InteropServices;

namespace Telemetry.Cli;

/// <summary>SIGTERM and SIGINT cancel the command, which then has half a minute to bring what it holds to rest; its own exit code stands.</summary>
/// <remarks>
/// Heard from the first line of the program to its last, and by nobody else: the parser would listen only from its action's first wait on, which may be behind a ready line, and
/// no longer once the action is done. A signal in such a gap ends the process in the system's way.
/// </remarks>
internal static class Termination
{
    private const int ExitOfSignal = 128, Interrupt = 2, Terminate = 15;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly CancellationTokenSource s_asked = new();
    private static PosixSignalRegistration[] s_heard = []; // never let go
    private static ITimer? s_limit;

    /// <summary>Listens until the process ends.</summary>
    /// <returns>Cancelled by the first signal.</returns>
    public static CancellationToken Listen()
    {
        s_heard = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, End), PosixSignalRegistration.Create(PosixSignal.SIGINT, End)];
        return s_asked.Token;
    }

    private static void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        int code = ExitOfSignal + (signal.Signal == PosixSignal.SIGINT ? Interrupt : Terminate);
        s_limit ??= TimeProvider.System.CreateTimer(_ => Environment.Exit(code), null, s_patience, Timeout.InfiniteTimeSpan);
        _ = s_asked.CancelAsync(); // what waits for it goes on elsewhere: further signals are heard
    }
}
