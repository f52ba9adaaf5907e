using System.Security.Cryptography;
using Google.Protobuf;
using Telemetry.Collector.Api;
using Telemetry.Insights;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Rights;

/// <summary>Everything kept of a user, or the batches of a device, in the messages of the contract. The bytes a device sealed come back as they were (promise 4).</summary>
internal sealed class UserExport(BlockLog log, DeviceRegistry registry, InsightsService insights)
{
    /// <summary>The user, the segments, what the user said, then every batch and dead letter; or, of a device, the latter alone.</summary>
    /// <exception cref="RegistryException">The key is none, or of nobody.</exception>
    /// <exception cref="ApiException">The device is not known; or the request names both, or a range that cannot be.</exception>
    public IEnumerable<ExportItem> Read(ExportRequest request)
    {
        if (request.Device.Length > 0) return BatchesOf(request);
        if (request.FromUnixMs != 0 || request.ToUnixMs != 0) throw new ApiException(ApiFault.Invalid, "A range was given with a user; it goes with a device. An export of a user is everything.");
        User description = new RegistryService(registry).FindUser(request.User);
        return Items(description, registry.FindUser(UserKey.Parse(request.User))!);
    }

    private IEnumerable<ExportItem> BatchesOf(ExportRequest request)
    {
        if (request.User.Length > 0) throw new ApiException(ApiFault.Invalid, "The request names a device and a user; give one of them.");
        DeviceRecord device = registry.FindDevice(request.Brand, request.Device)
            ?? throw new ApiException(ApiFault.NotFound, $"Device '{request.Brand}/{request.Device}' is not registered; `telemetry device list` shows those that are.");
        Tenure range = new(device.DeviceKey, request.FromUnixMs == 0 ? long.MinValue : request.FromUnixMs, request.ToUnixMs == 0 ? long.MaxValue : request.ToUnixMs);
        if (range.FromUnixMs >= range.ToUnixMs) throw new ApiException(ApiFault.Invalid, $"The range is empty: from {range.FromUnixMs} is not before to {range.ToUnixMs} (unix ms).");
        // A batch that begins or ends outside the range goes along whole: nobody else's time begins there.
        return new UserBatches(log).Read([range]).Select(found => new ExportItem { Batch = Describe(found with { IsShared = false }) });
    }

    private IEnumerable<ExportItem> Items(User description, UserRecord user)
    {
        yield return new ExportItem { User = description };
        foreach (Segment segment in insights.Scenarios(new ScenariosRequest { User = user.User.Text }).Segments) yield return new ExportItem { Segment = segment };
        foreach (SaidAnswer answer in insights.Answers.List(new AnswersRequest { User = user.User.Text }).Answers) yield return new ExportItem { Answer = answer };
        foreach (UserBatch found in new UserBatches(log).Read(UserBatches.TenuresOf(user))) yield return new ExportItem { Batch = Describe(found) };
    }

    private ExportedBatch Describe(in UserBatch found)
    {
        LogRecord record = found.Record;
        DeviceDescription device = registry.FindDevice(record.DeviceKey)!;
        ReadOnlySpan<byte> sealedBytes = record.Payload.Span;
        return new ExportedBatch
        {
            Brand = device.Brand,
            Device = device.Device,
            Epoch = found.Header.Epoch,
            Seq = found.Header.Seq,
            ReceivedUnixMs = record.ReceivedUnixMs,
            FirstUnixMs = found.FirstUnixMs,
            LastUnixMs = found.LastUnixMs,
            DeadLetter = record.Kind == LogRecordKind.DeadLetter ? ((RefusalReason)record.Reason).ToString() : "",
            Shared = found.IsShared,
            Sha256 = ByteString.CopyFrom(SHA256.HashData(sealedBytes)),
            Bytes = found.IsShared ? ByteString.Empty : ByteString.CopyFrom(sealedBytes),
        };
    }
}
