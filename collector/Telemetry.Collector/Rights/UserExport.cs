using System.Security.Cryptography;
using Google.Protobuf;
using Telemetry.Insights;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Rights;

/// <summary>Everything kept of a user, in the messages of the contract. The bytes a device sealed come back as they were (promise 4).</summary>
internal sealed class UserExport(BlockLog log, DeviceRegistry registry, InsightsService insights)
{
    /// <summary>The user, the segments, what the user said, then every batch and dead letter.</summary>
    /// <exception cref="RegistryException">The key is none, or of nobody.</exception>
    public IEnumerable<ExportItem> Read(ExportRequest request)
    {
        User description = new RegistryService(registry).FindUser(request.User);
        return Items(description, registry.FindUser(UserKey.Parse(request.User))!);
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
