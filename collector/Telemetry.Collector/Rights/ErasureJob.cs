using System.Text.Json;
using Telemetry.Log.Disk;

namespace Telemetry.Collector.Rights;

/// <summary>An erasure on its way, or its receipt: one file of the data folder, <c>erasures/{id}.json</c>, replaced whole at every step.</summary>
/// <remarks>While something is left to do it names the user, so that a restart can go on; the receipt that stays does not.</remarks>
internal sealed record ErasureJob
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>First 16 hexadecimal digits of <see cref="UserSha256"/>.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of the user key, hexadecimal.</summary>
    public required string UserSha256 { get; init; }

    /// <summary>The user key; null once done.</summary>
    public string? User { get; init; }

    /// <summary>The user's time with each device.</summary>
    public IReadOnlyList<Tenure> Tenures { get; init; } = [];

    /// <summary>Epochs of those devices, by device key.</summary>
    public IReadOnlyList<FencedEpoch> Epochs { get; init; } = [];

    public long AskedUnixMs { get; init; }

    /// <summary>0 while something is left to do.</summary>
    public long DoneUnixMs { get; init; }

    /// <summary>Log position up to which records were looked at; nothing of the user comes behind it.</summary>
    public long LogEnd { get; init; }

    /// <summary>Revision of the insights store from which on it says nothing of the user.</summary>
    public long InsightsRevision { get; init; }

    /// <summary>Whether the registry's part is through: from then on the key may be given to someone new.</summary>
    public bool IsUnregistered { get; init; }

    public int Bindings { get; init; }

    public int Consents { get; init; }

    public int Answers { get; init; }

    public long Batches { get; init; }

    public long SharedBatches { get; init; }

    public long DeadLetters { get; init; }

    public int Segments { get; init; }

    public int Minutes { get; init; }

    /// <summary>Whether series of the user were written to an InfluxDB.</summary>
    public bool NeedsInflux { get; init; }

    /// <summary>Reads a job.</summary>
    /// <exception cref="InvalidDataException">The file is there and is none.</exception>
    public static ErasureJob Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ErasureJob>(File.ReadAllText(file), s_json) ?? throw new InvalidDataException($"{file} holds no erasure.");
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{file} is no erasure: {fault.Message}", fault);
        }
    }

    /// <summary>Writes the job whole or not at all, to the disk.</summary>
    public void Write(string file) => WholeFile.Replace(file, stream => JsonSerializer.Serialize(stream, this, s_json));
}

/// <summary>An epoch whose late batches are refused.</summary>
internal readonly record struct FencedEpoch(uint DeviceKey, uint Epoch);
