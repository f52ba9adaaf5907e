using System.CommandLine;
using Telemetry.Cli.Fleets;
using Telemetry.Simulator.Faults;
using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry simulate</c>: a seeded fleet against a running collector, with things going wrong on request.</summary>
internal static class SimulateCommand
{
    private const int MostDevices = 20_000;
    private const double MostHours = 24 * 366;

    public static Command Create()
    {
        Option<int> devices = new("--devices") { Description = "Devices, 1-20000. Default 20", DefaultValueFactory = _ => 20 };
        Option<double> hours = new("--hours") { Description = "Simulated hours, up to 8784. Default 24", DefaultValueFactory = _ => 24 };
        Option<ulong> seed = new("--seed") { Description = "Everything follows from it. Default 1", DefaultValueFactory = _ => 1UL };
        Option<double> speed = new("--speed") { Description = "Simulated seconds a real second; 0 = as fast as the collector acknowledges (default)" };
        Option<string?> start = new("--start") { Description = "First simulated minute: a time like 2026-11-22T06:00Z, unix ms, or now. Default 2026-03-02T06:00Z. People can be asked (scenarios ask) once simulated time is not behind the real one: now, with --speed" };
        Option<double> truthful = new("--truthful") { Description = "How likely people answer truly when asked, 0-1. Default 1", DefaultValueFactory = _ => 1 };
        Option<string?> faults = new("--faults") { Description = "JSON file of what goes wrong (tools/Telemetry.Simulator/README.md, 'Fault plans')" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("simulate", "Run a simulated household fleet against a running collector.") { devices, hours, seed, speed, start, truthful, faults, json };
        FleetTarget.AddOptions(command);
        command.SetAction((parsed, cancellation) => FleetCommands.GuardAsync(async () =>
        {
            int count = parsed.GetValue(devices);
            double length = parsed.GetValue(hours), pace = parsed.GetValue(speed);
            if (count is < 1 or > MostDevices) throw new CommandException($"--devices {count} is out of range; 1-{MostDevices} is expected.");
            if (!(length > 0 && length <= MostHours)) throw new CommandException($"--hours {length} is out of range; more than 0 and at most {MostHours} is expected.");
            if (pace < 0 || !double.IsFinite(pace)) throw new CommandException($"--speed {pace} is out of range; 0 (as fast as possible) or more is expected.");
            double truth = parsed.GetValue(truthful);
            if (!(truth >= 0 && truth <= 1)) throw new CommandException($"--truthful {truth} is out of range; 0-1 is expected.");
            FaultPlan? plan = parsed.GetValue(faults) is { } file ? FaultPlan.Read(file) : null;
            await using FleetTarget target = await FleetTarget.OpenAsync(parsed, isToNeeded: true, cancellation);

            FleetOptions fleet = new(parsed.GetValue(seed), People: count, Minutes: Math.Max(1, (int)Math.Round(length * 60))) { MaxDevices = count, Truthfulness = truth };
            if (parsed.GetValue(start) is { } first) fleet = StartAt(fleet, first);
            ReplayOptions options = target.Options(fleet.Seed) with
            {
                Seed = fleet.Seed ^ (ulong)TimeProvider.System.GetUtcNow().Ticks,
                Speed = pace,
                StartUnixMs = fleet.StartUnixMs,
                AlignMs = FleetPace.AlignMs,
                MaxActiveDevices = count,
                Faults = plan,
            };
            bool isJson = parsed.GetValue(json);
            ReplaySummary summary = await FleetCommands.RunAsync(
                target, HouseholdFleet.Create(fleet), options, isJson, (progress, now) => progress.Share = FleetPace.Share(fleet, now), cancellation);
            if (isJson) FleetCommands.WriteJson(summary);
            else FleetCommands.WriteTable(summary);
            return summary.IsWhole ? ExitCode.Done : ExitCode.NotSo;
        }, cancellation));
        return command;
    }

    private static FleetOptions StartAt(FleetOptions fleet, string text)
    {
        const long MinuteMs = 60_000, WeekMinutes = 7 * 1440, MondayBeforeEpoch = 3 * 1440; // 1970-01-01 was a Thursday
        long minute = (text == "now" ? TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() : Instant.Parse("--start", text)) / MinuteMs;
        return fleet with { StartUnixMs = minute * MinuteMs, StartMinuteOfDay = (int)((minute + MondayBeforeEpoch) % WeekMinutes) };
    }
}
