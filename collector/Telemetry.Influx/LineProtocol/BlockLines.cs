using Telemetry.Wire.Blocks;

namespace Telemetry.Influx.LineProtocol;

/// <summary>Writes the samples of decoded blocks as lines. Resumable: a block that does not fit into one request goes on in the next.</summary>
/// <remarks>Allocates nothing a point. One owner.</remarks>
internal sealed class BlockLines(InfluxOptions options)
{
    // '\n' and ' ' around the timestamp, ",quality=7i".
    private const int MostSuffixBytes = LineWriter.MaxNumberBytes + 16;

    private readonly bool _writesNanoseconds = options.Precision == InfluxPrecision.Nanoseconds;
    private readonly Dictionary<int, RowTime> _ends = []; // of each signal of the batch, its last row
    private BlockDecoder _block = null!;
    private DeviceSeries _series = null!;
    private long _toUnixMs;
    private int _column;
    private int _row;
    private RowTime _time;

    /// <summary>Samples of the present block that cannot be written: a signal the profile does not have, a NaN or an infinity, a time before 1677 or behind 2262.</summary>
    public long Unwritable { get; private set; }

    /// <summary>Begins a batch.</summary>
    /// <param name="series">Names of the device's series.</param>
    /// <param name="toUnixMs">What is added to a row's uptime to make it Unix time.</param>
    public void BeginBatch(DeviceSeries series, long toUnixMs)
    {
        (_series, _toUnixMs) = (series, toUnixMs);
        _ends.Clear();
    }

    /// <summary>Begins a block of the batch.</summary>
    /// <param name="block">Decoded; must not change until the block is written.</param>
    public void Begin(BlockDecoder block)
    {
        _block = block;
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

            if (_row == 0) BeginRows(_column, _column + 1);
            int end = (int)Math.Min(_block.RowCount, (long)_row + batch.Room);
            if (_block.IsReal(_column)) WriteReals(batch, series, end);
            else WriteIntegers(batch, series, end);
            if (_row < _block.RowCount) return false;
            EndRows(_column, _column + 1);
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
            if (!TryStep(times[_row], out long stamp))
            {
                Unwritable++;
                continue;
            }

            Span<byte> line = batch.BeginLine(most);
            prefix.CopyTo(line);
            int at = prefix.Length;
            at += series.Scale.Write(line[at..], values[_row]);
            batch.EndLine(WriteSuffix(line, at, stamp, quality));
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
            bool hasTime = TryStep(times[_row], out long stamp);
            Span<byte> line = batch.BeginLine(most);
            prefix.CopyTo(line);
            int number = LineWriter.WriteReal(line[prefix.Length..], values[_row]);
            if (number == 0 || !hasTime) Unwritable++;
            else batch.EndLine(WriteSuffix(line, prefix.Length + number, stamp, quality));
        }
    }

    private bool WriteRows(LineBatch batch)
    {
        ReadOnlySpan<long> times = _block.TimesMs;
        ReadOnlySpan<byte> quality = options.WriteQuality ? _block.Quality : default;
        int most = _series.RowPrefix.Length + MostSuffixBytes;
        for (int column = 0; column < _block.ColumnCount; column++) most += (_series.Find(_block.SignalId(column))?.Prefix.Length ?? 0) + LineWriter.MaxNumberBytes + 1;

        if (_row == 0) BeginRows(0, _block.ColumnCount);
        for (; _row < _block.RowCount; _row++)
        {
            if (batch.Room <= 0) return false;
            if (!TryStep(times[_row], out long stamp))
            {
                Unwritable += _block.ColumnCount;
                continue;
            }

            Span<byte> line = batch.BeginLine(most);
            _series.RowPrefix.CopyTo(line);
            int at = _series.RowPrefix.Length;
            for (int column = 0; column < _block.ColumnCount; column++) at += WriteField(line[at..], column, isFirst: at == _series.RowPrefix.Length);
            if (at > _series.RowPrefix.Length) batch.EndLine(WriteSuffix(line, at, stamp, quality));
        }

        EndRows(0, _block.ColumnCount);
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
    private int WriteSuffix(Span<byte> line, int at, long stamp, ReadOnlySpan<byte> quality)
    {
        if (!quality.IsEmpty)
        {
            ",quality="u8.CopyTo(line[at..]);
            at += 9;
            at += LineWriter.WriteInteger(line[at..], quality[_row]);
            line[at++] = (byte)'i';
        }

        line[at++] = (byte)' ';
        at += LineWriter.WriteInteger(line[at..], stamp);
        line[at++] = (byte)'\n';
        return at;
    }

    /// <summary>Steps to the next row.</summary>
    /// <returns>False when no server has a timestamp for it.</returns>
    private bool TryStep(long uptimeMs, out long stamp)
    {
        _time = new RowTime(uptimeMs, uptimeMs == _time.UptimeMs ? _time.Repetition + 1 : 0);
        long unixMs = uptimeMs + _toUnixMs;
        bool hasStamp = LineWriter.TryStamp(unixMs, _time.Repetition, out stamp);
        if (!_writesNanoseconds) stamp = unixMs;
        return hasStamp;
    }

    // A millisecond may go on from the block before; where columns share their lines, from the block of whichever has more of it.
    private void BeginRows(int column, int endColumn)
    {
        _time = RowTime.None;
        for (; column < endColumn; column++)
        {
            if (_ends.TryGetValue(_block.SignalId(column), out RowTime end) && end.UptimeMs == _block.TimesMs[0] && end.Repetition > _time.Repetition) _time = end;
        }
    }

    private void EndRows(int column, int endColumn)
    {
        for (; column < endColumn; column++) _ends[_block.SignalId(column)] = _time;
    }

    /// <summary>A row's uptime, and how many rows of the same signal and millisecond went before it.</summary>
    private readonly record struct RowTime(long UptimeMs, int Repetition)
    {
        public static readonly RowTime None = new(long.MinValue, -1);
    }
}
