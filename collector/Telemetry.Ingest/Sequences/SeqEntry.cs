namespace Telemetry.Ingest.Sequences;

/// <summary>What is known of one epoch of one device: 48 bytes.</summary>
internal struct SeqEntry
{
    public uint DeviceKey;
    public uint Epoch;

    /// <summary>Every seq up to here is settled, except those in the entry's <see cref="GapList"/>.</summary>
    public ulong Mark;

    /// <summary>The 128 seqs behind the mark; bit 0 is Mark + 1 and never set.</summary>
    public ulong WindowLow;
    public ulong WindowHigh;

    /// <summary>Log position of the latest record of this epoch: once it is durable, so is every earlier one.</summary>
    public long LastPosition;

    /// <summary>Low half of the log's flush group in which the device last sent, and its bytes in that group.</summary>
    public uint Group;
    public int GroupBytes;
}

/// <summary>What a seq is to an entry.</summary>
internal enum SeqVerdict
{
    /// <summary>Never settled: take it.</summary>
    New,

    /// <summary>Settled before.</summary>
    Seen,

    /// <summary>Older than what memory tells apart: only the log knows.</summary>
    Unsure,
}
