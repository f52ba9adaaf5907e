using Telemetry.Wire.Blocks;

namespace Telemetry.Influx.LineProtocol;

/// <summary>Writes the samples of decoded blocks as lines. Resumable: a block that does not fit into one request goes on in the next.</summary>
/// <remarks>Allocates nothing a point. One owner.</remarks>
internal sealed class BlockLines(InfluxOptions options)
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    // '\n' and ' ' around the timestamp, ",quality=7i".
    private const int MostSuffixBytes = LineWriter.MaxNumberBytes + 16;

    private readonly bool _writesNanoseconds = options.Precision == InfluxPrecision.Nanoseconds;
    private BlockDecoder _block = null!;
    private DeviceSeries _series = null!;
    private long _toUnixMs;
    private int _column;
    private int _row;

    /// <summary>Samples of the present block that cannot be written: a signal the profile does not have, a NaN or an infinity.</summary>
    public long Unwritable { get; private set; }

    /// <summary>Begins a block.</summary>
    /// <param name="block">Decoded; must not change until the block is written.</param>
    /// <param name="series">Names of the device's series.</param>
    /// <param name="toUnixMs">What is added to a row's uptime to make it Unix time.</param>
    public void Begin(BlockDecoder block, DeviceSeries series, long toUnixMs)
    {
        (_block, _series, _toUnixMs) = (block, series, toUnixMs);
        (_column, _row, Unwritable) = (0, 0, 0);
    }

    /// <summary>Writes as many samples as the batch has room for.</summary>
    /// <returns>True when the block is done; false when the batch is full.</returns>
    public bool Write(LineBatch batch) => options.Schema == InfluxSchema.MeasurementPerModel ? WriteRows(batch) : WriteColumns(batch);

    private bool WriteColumns(LineBatch batch)
    {
        for (; _column < _block.ColumnCount; _column++, _row = 0)
        {
            if (_series.Find(_block.SignalId(_column)) is not { } series)
            {
                Unwritable += _block.RowCount;
                continue;
            }

            int end = (int)Math.Min(_block.RowCount, (long)_row + batch.Room);
            if (_block.IsReal(_column)) WriteReals(batch, series, end);
            else WriteIntegers(batch, series, end);
            if (_row < _block.RowCount) return false;
        }

        return true;
    }

    private void WriteIntegers(LineBatch batch, SignalSeries series, int end)
    {
        ReadOnlySpan<long> values = _block.Integers(_column);
        ReadOnlySpan<long> times = _block.TimesMs;
        ReadOnlySpan<byte> quality = options.WriteQuality ? _block.Quality : default;
        ReadOnlySpan<byte> prefix = series.Prefix;
        int most = prefix.Length + LineWriter.MaxNumberBytes + MostSuffixBytes;
        for (; _row < end && batch.Room > 0; _row++)
        {
            Span<byte> line = batch.BeginLine(most);
            prefix.CopyTo(line);
            int at = prefix.Length;
            at += series.Scale.Write(line[at..], values[_row]);
            batch.EndLine(WriteSuffix(line, at, times, quality));
        }
    }

    private void WriteReals(LineBatch batch, SignalSeries series, int end)
    {
        ReadOnlySpan<double> values = _block.Reals(_column);
        ReadOnlySpan<long> times = _block.TimesMs;
        ReadOnlySpan<byte> quality = options.WriteQuality ? _block.Quality : default;
        ReadOnlySpan<byte> prefix = series.Prefix;
        int most = prefix.Length + LineWriter.MaxNumberBytes + MostSuffixBytes;
        for (; _row < end && batch.Room > 0; _row++)
        {
            Span<byte> line = batch.BeginLine(most);
            prefix.CopyTo(line);
            int number = LineWriter.WriteReal(line[prefix.Length..], values[_row]);
            if (number == 0) Unwritable++;
            else batch.EndLine(WriteSuffix(line, prefix.Length + number, times, quality));
        }
    }

    private bool WriteRows(LineBatch batch)
    {
        ReadOnlySpan<long> times = _block.TimesMs;
        ReadOnlySpan<byte> quality = options.WriteQuality ? _block.Quality : default;
        int most = _series.RowPrefix.Length + MostSuffixBytes;
        for (int column = 0; column < _block.ColumnCount; column++) most += (_series.Find(_block.SignalId(column))?.Prefix.Length ?? 0) + LineWriter.MaxNumberBytes + 1;

        for (; _row < _block.RowCount; _row++)
        {
            if (batch.Room <= 0) return false;
            Span<byte> line = batch.BeginLine(most);
            _series.RowPrefix.CopyTo(line);
            int at = _series.RowPrefix.Length;
            for (int column = 0; column < _block.ColumnCount; column++) at += WriteField(line[at..], column, isFirst: at == _series.RowPrefix.Length);
            if (at > _series.RowPrefix.Length) batch.EndLine(WriteSuffix(line, at, times, quality));
        }

        return true;
    }

    private int WriteField(Span<byte> line, int column, bool isFirst)
    {
        if (_series.Find(_block.SignalId(column)) is not { } series)
        {
            Unwritable++;
            return 0;
        }

        int at = 0;
        if (!isFirst) line[at++] = (byte)',';
        series.Prefix.CopyTo(line[at..]);
        at += series.Prefix.Length;
        int number = _block.IsReal(column) ? LineWriter.WriteReal(line[at..], _block.Reals(column)[_row]) : series.Scale.Write(line[at..], _block.Integers(column)[_row]);
        if (number > 0) return at + number;
        Unwritable++;
        return 0;
    }

    /// <summary>Quality, timestamp, end of line.</summary>
    private int WriteSuffix(Span<byte> line, int at, ReadOnlySpan<long> times, ReadOnlySpan<byte> quality)
    {
        if (!quality.IsEmpty)
        {
            ",quality="u8.CopyTo(line[at..]);
            at += 9;
            at += LineWriter.WriteDigits(line[at..], quality[_row]);
            line[at++] = (byte)'i';
        }

        line[at++] = (byte)' ';
        long unixMs = Math.Max(0, times[_row] + _toUnixMs);
        at += LineWriter.WriteDigits(line[at..], (ulong)(_writesNanoseconds ? (unixMs * NanosecondsPerMillisecond) + Repetition(times) : unixMs));
        line[at++] = (byte)'\n';
        return at;
    }

    /// <summary>Rows of one millisecond are told apart by one nanosecond each, or the server would keep only the last of them.</summary>
    private long Repetition(ReadOnlySpan<long> times)
    {
        int first = _row;
        while (first > 0 && times[first - 1] == times[_row]) first--;
        return _row - first;
    }
}
