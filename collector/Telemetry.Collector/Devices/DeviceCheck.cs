using Telemetry.Collector.Api;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Devices;

/// <summary>Answers what came of a device and what is wrong with it, so that a firmware team need not ask anyone.</summary>
internal sealed class DeviceCheck(BlockLog log, DeviceRegistry registry, IngestService ingest)
{
    /// <summary>Reads everything kept of the device and judges it.</summary>
    /// <exception cref="ApiException">The device is not registered.</exception>
    /// <exception cref="IOException">The log's disk refuses to read.</exception>
    public DeviceReport Check(CheckDeviceRequest request)
    {
        DeviceRecord device = registry.FindDevice(request.Brand, request.Device)
            ?? throw new ApiException(ApiFault.NotFound, $"Device '{request.Brand}/{request.Device}' is not registered; `telemetry device list` shows those that are.");
        DeviceHistory history = DeviceHistory.Read(log, registry, device.DeviceKey, request.FromUnixMs);
        DeviceFindings findings = new(device.Description, registry.FindOrders(device.DeviceKey) ?? DeviceOrders.None);
        findings.JudgeLogins(ingest.RefusedLoginsOf(device.DeviceKey));
        findings.JudgeOrders();
        findings.Judge(history);
        findings.JudgeMissing(ingest.MissingOf(device.DeviceKey));
        findings.JudgeLetters(ingest.ListDeadLetters(limit: int.MaxValue).Where(letter => letter.DeviceKey == device.DeviceKey && letter.ReceivedUnixMs >= request.FromUnixMs));
        return new DeviceReport
        {
            Brand = request.Brand,
            Device = request.Device,
            Model = device.Description.Model,
            Batches = (ulong)history.Batches,
            Bytes = (ulong)history.Bytes,
            Samples = (ulong)history.Samples,
            Uploads = (ulong)history.Uploads,
            FirstReceivedUnixMs = history.FirstReceivedUnixMs,
            LastReceivedUnixMs = history.LastReceivedUnixMs,
            Signals = { (history.Profile?.Signals ?? []).Select(signal => Report(signal, history)) },
            Findings = { findings.InOrder },
        };
    }

    private static SignalReport Report(SignalDefinition signal, DeviceHistory history)
    {
        SignalHistory seen = history.Signals.GetValueOrDefault(signal.Id) ?? new SignalHistory();
        return new SignalReport
        {
            Signal = signal.Key,
            Unit = signal.Unit,
            Samples = (ulong)seen.Samples,
            Min = seen.Min,
            Max = seen.Max,
            PeriodMs = seen.PeriodMs,
            ProfilePeriodMs = signal.PeriodMs,
            Dropped = (ulong)history.Losses.Where(loss => loss.Key.Signal == signal.Id).Sum(loss => loss.Value),
        };
    }
}
