namespace Telemetry.Wire;

/// <summary>The three answers of every decoder. They are never mixed up: a decoder that needs more has consumed nothing.</summary>
public enum DecodeStatus
{
    /// <summary>One whole item was read.</summary>
    Done,

    /// <summary>The input ends inside the item; more bytes may complete it. Nothing was consumed.</summary>
    NeedMoreData,

    /// <summary>No continuation can make these bytes valid.</summary>
    Malformed,
}
