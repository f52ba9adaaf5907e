using Telemetry.Ingest;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>The dead letters of ingest, in the messages of the contract.</summary>
internal sealed class DeadLetterService(IngestService ingest, DeviceRegistry registry)
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 10_000;

    /// <summary>The letters that wait, oldest first.</summary>
    public DeadLetterList List(DeadLettersRequest request)
    {
        if (request.Limit > MaxLimit) throw new ApiException(ApiFault.Invalid, $"limit is {request.Limit}; 0 ({DefaultLimit}) to {MaxLimit} is expected.");
        DeadLetterList answer = new();
        foreach (Ingest.DeadLetters.DeadLetter letter in ingest.ListDeadLetters(limit: request.Limit == 0 ? DefaultLimit : (int)request.Limit))
        {
            DeviceDescription? device = registry.FindDevice(letter.DeviceKey);
            answer.Letters.Add(new Wire.V1.DeadLetter
            {
                Brand = device?.Brand ?? "",
                Device = device?.Device ?? "",
                ReceivedUnixMs = letter.ReceivedUnixMs,
                Reason = letter.Reason.ToString(),
                Bytes = (uint)letter.Bytes,
                Position = letter.Position,
            });
        }

        return answer;
    }

    /// <summary>Tries every letter again.</summary>
    public async ValueTask<DeadLetterReplay> ReplayAsync(DeadLettersRequest request, CancellationToken cancellation)
    {
        ReplayResult result = await ingest.ReplayDeadLettersAsync(cancellation);
        return new DeadLetterReplay { Stored = (ulong)result.Stored, Duplicate = (ulong)result.Duplicates, StillDead = (ulong)result.Remaining };
    }
}
