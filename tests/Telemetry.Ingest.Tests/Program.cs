using Telemetry.Ingest.Tests;

// The test runner loads this assembly as a library. Started as a program it is the process that KillTests kills.
return args is ["send-until-killed", string folder, ..] ? await KilledSender.RunAsync(folder, args.AsMemory(2)) : 2;
