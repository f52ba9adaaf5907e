using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;

namespace Telemetry.Device.Tests.Support;

/// <summary>A record of the spool made of bytes: an entry of samples, what the ledger tells, and a payload.</summary>
internal sealed class ArrayRecord : IRecordSource
{
    private readonly byte[] _bytes;
    private int _at;

    public ArrayRecord(int signal, uint samples, LossLedger ledger, ReadOnlySpan<byte> payload)
    {
        Entries = 1 + ledger.Entries;
        _bytes = new byte[(Entries * SpoolRing.EntryBytes) + payload.Length];
        int at = SpoolRing.WriteEntry(_bytes, 0, signal, 0, 0, samples);
        for (int i = 0; i < ledger.Entries; i++) at = SpoolRing.WriteLossEntry(_bytes, at, ledger, i);
        payload.CopyTo(_bytes.AsSpan(at));
    }

    public int Entries { get; }

    public void Rewind() => _at = 0;

    public int Read(byte[] buffer, int offset, int count)
    {
        int read = Math.Min(count, _bytes.Length - _at);
        _bytes.AsSpan(_at, read).CopyTo(buffer.AsSpan(offset));
        _at += read;
        return read;
    }
}
