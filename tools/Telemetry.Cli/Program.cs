using System.CommandLine;
using Telemetry.Cli;
using Telemetry.Cli.Commands;

RootCommand root = new("Telemetry: collector, simulators and questions to them.");

// A collector runs for months: the other commands are not made in its process.
foreach (Command command in args is ["up", ..] ? [UpCommand.Create()] : AllCommands()) root.Subcommands.Add(command);

// SIGTERM and SIGINT cancel a command, which then has half a minute to bring what it holds to rest.
// The parser prints what is wrong and how the command goes; its own exit code would be 1, which means "not so" here.
ParseResult parsed = root.Parse(args);
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
return parsed.Errors.Count > 0 ? ExitCode.BadInput : code;

static IEnumerable<Command> AllCommands() =>
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
