// tools/bench NAME [--json] [--peers]: every benchmark is one class with a Run(BenchOptions); add it to the table.
using System.Runtime.InteropServices;
using Telemetry.Bench;
using Telemetry.Bench.Codec;
using Telemetry.Bench.Device;
using Telemetry.Bench.Disk;
using Telemetry.Bench.Grpc;
using Telemetry.Bench.Mqtt;
using Telemetry.Bench.Overload;
using Telemetry.Bench.Pipeline;

Dictionary<string, Func<BenchOptions, int>> benchmarks = new(StringComparer.Ordinal)
{
    ["codec"] = CodecBench.Run,
    ["grpc"] = GrpcBench.Run,
    ["grpc-server"] = GrpcBenchServer.Run, // the process that bench grpc measures
    ["codec-micro"] = CodecMicro.Run,
    ["codec-roundtrip"] = RoundTripBench.Run,
    ["fuzz-wire"] = WireFuzzBench.Run,
    ["disk"] = DiskBench.Run,
    ["ingest"] = IngestBench.Run,
    ["lines"] = LinesBench.Run,
    ["query"] = QueryBench.Run,
    ["overload"] = OverloadBench.Run,
    ["pipeline"] = PipelineBench.Run,
    [CollectorProcess.Name] = CollectorProcess.Run, // the process that pipeline, overload and restart measure
    ["restart"] = RestartBench.Run,
    ["clock"] = ClockBench.Run,
    ["herd"] = HerdBench.Run,
    ["merge"] = MergeBench.Run,
    ["read"] = ReadBench.Run,
    ["backfill"] = BackfillBench.Run,
    ["record"] = RecordBench.Run,
    ["spool"] = SpoolBench.Run,
    ["mqtt"] = MqttBench.Run,
    ["idle"] = IdleBench.Run,
    [BenchServer.Name] = BenchServer.Run,
    ["scenarios"] = ScenariosBench.Run,
};

if (args.Length == 0 || !benchmarks.TryGetValue(args[0], out Func<BenchOptions, int>? run))
{
    Console.Error.WriteLine($"usage: bench NAME [--json] [--peers] [--data DIR]; NAME is one of: {string.Join(", ", benchmarks.Keys)}");
    return 2;
}

// A host inside a benchmark would take the signal for itself and nobody waits for it: end at once, with what the benchmark started and made.
using PosixSignalRegistration stop = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ =>
{
    Leftovers.End();
    Environment.Exit(128 + 15);
});
return run(BenchOptions.Parse(args.AsSpan(1)));
