using System.Runtime.InteropServices;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Codec;

/// <summary>Packs generated series with the device's encoder and compares what the collector's decoder reads.</summary>
internal sealed class SeriesRoundTrip
{
    private const int MaxBlockRows = 48; // so that a series takes several blocks
    private const int BufferBytes = 4096;
    private const int VersionMask = 7;
    private const int LevelVersion = 3;

    private readonly BlockEncoder[] _encoders =
        [.. Enumerable.Range(0, 3).Select(kind => new BlockEncoder([7], [(byte)kind], MaxBlockRows, BufferBytes))];

    private readonly BlockDecoder _decoder = new();
    private readonly byte[] _block = new byte[BufferBytes];

    /// <summary>Blocks packed so far.</summary>
    public long Blocks { get; private set; }

    /// <summary>Of them, those with the column written about its level.</summary>
    public long LevelBlocks { get; private set; }

    /// <summary>True when every row comes back bit by bit, with its time and its mask, and no row is made up.</summary>
    public bool ComesBack(GeneratedSeries rows)
    {
        BlockEncoder encoder = _encoders[rows.Kind];
        encoder.Reset();
        int from = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            if (rows.Kind == BlockEncoder.KindInteger) encoder.Set(0, (int)rows.Values[row]);
            else encoder.SetWide(0, rows.Values[row]);
            if (encoder.TryAddRow(rows.TimesMs[row], rows.Quality[row])) continue;
            if (!IsEqual(rows, from, row, encoder) || !encoder.TryAddRow(rows.TimesMs[row], rows.Quality[row])) return false;
            from = row;
        }

        return IsEqual(rows, from, rows.Count, encoder);
    }

    private bool IsEqual(GeneratedSeries rows, int from, int to, BlockEncoder encoder)
    {
        int length = encoder.Finish(_block, 0, _block.Length);
        if (from == to) return length == 0;
        Blocks++;
        if ((_block[0] & VersionMask) == LevelVersion) LevelBlocks++;
        if (_decoder.Decode(_block.AsSpan(0, length), isPlain: false) != RefusalReason.None || _decoder.RowCount != to - from) return false;
        ReadOnlySpan<long> values = _decoder.IsReal(0) ? MemoryMarshal.Cast<double, long>(_decoder.Reals(0)) : _decoder.Integers(0);
        ReadOnlySpan<byte> quality = rows.Quality.AsSpan(from, to - from);
        return rows.TimesMs.AsSpan(from, to - from).SequenceEqual(_decoder.TimesMs)
            && rows.Values.AsSpan(from, to - from).SequenceEqual(values)
            && (_decoder.Quality.IsEmpty ? !quality.ContainsAnyExcept((byte)0) : quality.SequenceEqual(_decoder.Quality));
    }
}
