using System.CommandLine;
using Telemetry.Cli.Fleets;
using Telemetry.Simulator.Devices;
using Telemetry.Simulator.ExtraSensory;
using Telemetry.Simulator.Fit;
using Telemetry.Simulator.Fitabase;
using Telemetry.Simulator.Replay;
using Telemetry.Simulator.SmartHome;
using Telemetry.Simulator.Sources;
using Telemetry.Wire;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry replay</c>: real files through the SDK as if devices had measured them.</summary>
internal static class ReplayCommand
{
    private const string Sources = "fit, fitabase, extrasensory, adl";

    public static Command Create()
    {
        Option<string?> source = new("--source") { Description = $"Kind of the files: {Sources}" };
        Option<string?> path = new("--path") { Description = "The file or folder" };
        Option<string?> brand = new("--brand") { Description = "Brand the devices belong to. Default: the source's name" };
        Option<string?> model = new("--model") { Description = "Model name of the devices. Default: that of the built-in profile" };
        Option<double> speed = new("--speed") { Description = "Recorded seconds a real second; 0 = as fast as the collector acknowledges (default)" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("replay", "Replay recorded files through the real SDK over MQTT; without --to into a collector of its own.") { source, path, brand, model, speed, json };
        FleetTarget.AddOptions(command);
        command.SetAction((parsed, cancellation) => FleetCommands.GuardAsync(async () =>
        {
            double pace = parsed.GetValue(speed);
            if (pace < 0 || !double.IsFinite(pace)) throw new CommandException($"--speed {pace} is out of range; 0 (as fast as possible) or more is expected.");
            IFleetSource files = Open(parsed.GetValue(source), parsed.GetValue(path), parsed.GetValue(brand), parsed.GetValue(model));
            await using FleetTarget target = await FleetTarget.OpenAsync(parsed, isToNeeded: false, cancellation);

            // Files are replayed into a collector that may have seen them: another epoch each time, so that nothing is taken for a repetition.
            ReplayOptions options = target.Options(seed: (ulong)TimeProvider.System.GetUtcNow().Ticks) with { Speed = pace, SealIntervalMs = 3_600_000 };
            bool isJson = parsed.GetValue(json);
            ReplaySummary summary = await FleetCommands.RunAsync(target, files, options, isJson, onReport: null, cancellation);
            if (summary.Devices == 0) throw new CommandException($"--path '{parsed.GetValue(path)}' has nothing that could be replayed.");
            if (isJson) FleetCommands.WriteJson(summary);
            else Write(summary, target);
            return !summary.IsWhole ? ExitCode.NotSo : summary.InputFaults > 0 ? ExitCode.BadInput : ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static IFleetSource Open(string? source, string? path, string? brand, string? model)
    {
        if (source is null) throw new CommandException($"--source is missing; one of {Sources} is expected.");
        if (source is not ("fit" or "fitabase" or "extrasensory" or "adl")) throw new CommandException($"--source '{source}' is unknown; one of {Sources} is expected.");
        if (path is null) throw new CommandException("--path is missing; the file or folder to replay is expected.");
        brand ??= source;
        if (!Topics.IsBrandId(brand)) throw new CommandException($"--brand '{brand}' is no brand id; 1-32 of a-z, 0-9 and '-' are expected.");
        return source switch
        {
            "fit" => FitSource.Open(path, brand, Named(StandardProfiles.FitWatch, model)),
            "fitabase" => new FitabaseSource(FitabaseReader.Open(path), brand, Named(StandardProfiles.FitabaseBand, model)),
            _ when model is not null => throw new CommandException($"--model is for --source fit and fitabase; {source} has devices of several models or sensors."),
            "extrasensory" => ExtraSensorySource.Open(path, brand),
            _ => SmartHomeSource.Open(path, brand),
        };
    }

    private static DeviceProfile Named(DeviceProfile profile, string? model) => model is null ? profile : StandardProfiles.Rename(profile, model);

    private static void Write(ReplaySummary summary, FleetTarget target)
    {
        FleetCommands.WriteScenarios(summary);
        FleetCommands.WriteTable(summary);
        if (target.Folder is not null) Console.Out.WriteLine($"Data folder: {target.Folder}   (telemetry up --data {target.Folder} serves it)");
    }
}
