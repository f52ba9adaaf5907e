using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>A user's segments, in the messages of the contract.</summary>
internal sealed class SegmentService(InsightsStore insights, DeviceRegistry registry)
{
    private const long MinuteMs = 60_000;

    /// <summary>The segments that touch [from, to), in order of time, now or as they were told after a revision.</summary>
    public SegmentList List(ScenariosRequest request)
    {
        if (!UserKey.TryParse(request.User, out UserKey user)) throw new ApiException(ApiFault.Invalid, "user is missing or no user key; 1-64 of A-Z, a-z, 0-9, '_' and '-' are expected.");
        if (request.FromUnixMs < 0 || request.ToUnixMs < 0 || request.AsOfRevision < 0) throw new ApiException(ApiFault.Invalid, "fromUnixMs, toUnixMs and asOfRevision are 0 or more.");
        int from = ToMinute(request.FromUnixMs);
        int to = request.ToUnixMs == 0 ? int.MaxValue : ToMinute(request.ToUnixMs + MinuteMs - 1);
        SegmentList answer = new();
        foreach (StoredSegment stored in insights.Segments(user, from, to, request.AsOfRevision)) answer.Segments.Add(ToMessage(stored));
        return answer;
    }

    private Segment ToMessage(StoredSegment stored)
    {
        Segment message = new()
        {
            User = stored.User.Text,
            Scenario = stored.Segment.Scenario,
            StartUnixMs = stored.Segment.StartMinute * MinuteMs,
            EndUnixMs = stored.Segment.EndMinute * MinuteMs,
            Confidence = stored.Segment.Confidence,
            ModelVersion = stored.Segment.ModelVersion,
            Provisional = stored.Segment.IsProvisional,
            Revision = stored.Revision,
        };
        message.Evidence.Add(stored.Segment.Evidence.Select(evidence => new Evidence { Feature = evidence.Feature, Share = evidence.Share }));
        message.Devices.Add(stored.Segment.Devices.Select(key => registry.FindDevice(key) is { } device ? $"{device.Brand}/{device.Device}" : $"device {key}"));
        return message;
    }

    private static int ToMinute(long unixMs) => (int)Math.Min(unixMs / MinuteMs, int.MaxValue);
}
