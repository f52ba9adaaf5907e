using System.Buffers.Binary;
using Telemetry.Insights.Store;

namespace Telemetry.Collector.Derivation;

/// <summary>How far the derivation is in something, as the store keeps it in the same transaction as everything derived: i64, little endian.</summary>
internal readonly record struct Mark(string State)
{
    /// <summary>The log position before which everything is in the segments.</summary>
    public static readonly Mark Named = new("named");

    /// <summary>The version up to which users' answers are noted.</summary>
    public static readonly Mark Answers = new("answers");

    public long? Read(InsightsTransaction store) => store.GetState(State) is { } value ? BinaryPrimitives.ReadInt64LittleEndian(value) : null;

    public void Write(InsightsTransaction store, long value)
    {
        byte[] bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        store.PutState(State, bytes);
    }
}
