using System.CommandLine;

RootCommand root = new("Telemetry: collector, simulators and questions to them.");
return await root.Parse(args).InvokeAsync();
