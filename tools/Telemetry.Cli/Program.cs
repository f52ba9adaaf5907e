using System.CommandLine;
using Spectre.Console;
using Telemetry.Cli;
using Telemetry.Cli.Commands;

CancellationToken ending = Termination.Listen();
RootCommand root = new("Telemetry: collector, simulators and questions to them.");

// A collector runs for months: the other commands are not made in its process.
foreach (Command command in args is ["up", ..] ? [UpCommand.Create()] : AllCommands()) root.Subcommands.Add(command);

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    ParseFaults.Write(parsed);
    return ExitCode.BadInput;
}

return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, ending);

static IEnumerable<Command> AllCommands()
{
    // Who reads a pipe or a file wants no colours, and no lines folded at 80.
    if (Console.IsOutputRedirected)
    {
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        AnsiConsole.Profile.Width = 160;
    }

    return
    [
        DeadLettersCommand.Create(),
        MissingCommand.Create(),
        EraseCommand.Create(),
        ExportCommand.Create(),
        DoctorCommand.Create(),
        BackupCommands.CreateBackup(),
        BackupCommands.CreateRestore(),
        SamplesCommand.Create(),
        UpCommand.Create(),
        BlockCommand.Create(),
        DemoCommand.Create(),
        SimulateCommand.Create(),
        ReplayCommand.Create(),
        ProfileCommand.Create(),
        QueryCommand.Create(),
        ScenariosCommand.Create(),
        .. RegistryCommands.Create(),
    ];
}
