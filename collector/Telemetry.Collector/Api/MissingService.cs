using Telemetry.Ingest;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>Gaps in the sequences of devices, in the messages of the contract.</summary>
internal sealed class MissingService(IngestService ingest, DeviceRegistry registry)
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 10_000;

    /// <summary>The ranges that are asked for again, of one device or of all.</summary>
    public MissingList List(MissingRequest request)
    {
        if (request.Limit > MaxLimit) throw new ApiException(ApiFault.Invalid, $"limit is {request.Limit}; 0 ({DefaultLimit}) to {MaxLimit} is expected.");
        int limit = request.Limit == 0 ? DefaultLimit : (int)request.Limit;
        IReadOnlyList<MissingSeqs> missing = request.Brand.Length + request.Device.Length == 0 ? ingest.Missing(limit) : ingest.MissingOf(KeyOf(request));
        MissingList answer = new();
        foreach (MissingSeqs one in missing.Take(limit))
        {
            DeviceDescription? device = registry.FindDevice(one.DeviceKey);
            answer.Ranges.Add(new MissingRange
            {
                Brand = device?.Brand ?? "", Device = device?.Device ?? "", Epoch = one.Epoch, First = one.Gap.First, Last = one.Gap.Last, SomeCame = one.Gap.IsUnsure,
            });
        }

        return answer;
    }

    private uint KeyOf(MissingRequest request) => registry.FindDevice(request.Brand, request.Device)?.DeviceKey
        ?? throw new ApiException(ApiFault.NotFound, $"There is no device '{request.Brand}/{request.Device}'; brand and device of a registered one are expected, or neither.");
}
