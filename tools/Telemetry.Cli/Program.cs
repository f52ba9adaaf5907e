using System.CommandLine;
using Telemetry.Cli.Commands;

RootCommand root = new("Telemetry: collector, simulators and questions to them.")
{
    DeadLettersCommand.Create(),
    DoctorCommand.Create(),
    SamplesCommand.Create(),
    UpCommand.Create(),
    BlockCommand.Create(),
    DemoCommand.Create(),
    SimulateCommand.Create(),
    ReplayCommand.Create(),
    ProfileCommand.Create(),
    QueryCommand.Create(),
};
foreach (Command command in RegistryCommands.Create()) root.Subcommands.Add(command);
return await root.Parse(args).InvokeAsync();
