using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Influx.Delivery;
using Telemetry.Influx.LineProtocol;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Influx;

/// <summary>
/// What is not a sample: scenario segments and releases written beside the series, and erasure at the server and among the lines it refused. The caller decides whether segments, which
/// carry a user key, may leave the collector at all.
/// </summary>
/// <remarks>One caller at a time. Nothing is remembered: a call that failed is made again and changes nothing twice.</remarks>
public sealed class InfluxDerived : IDisposable
{
    private readonly InfluxOptions _options;
    private readonly InfluxClient _client;
    private readonly LineDelivery _delivery;
    private readonly SeriesEraser _eraser;
    private readonly RefusedLines _refused;
    private readonly InfluxMetrics _metrics;
    private readonly bool _ownsMetrics;

    /// <param name="options">As the sink's.</param>
    /// <param name="time">Default: the system's clock.</param>
    /// <param name="logger">Events 1500-1599.</param>
    /// <param name="handler">HTTP below; default: sockets.</param>
    /// <param name="sink">The sink that works with the same options, if one does: its counts and its file of refused lines are shared.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InfluxDerived(
        InfluxOptions options, TimeProvider? time = null, ILogger<InfluxDerived>? logger = null, HttpMessageHandler? handler = null, InfluxSink? sink = null)
    {
        options.Validate();
        _options = options;
        TimeProvider clock = time ?? TimeProvider.System;
        _client = new InfluxClient(options, clock, handler);
        (_metrics, _ownsMetrics) = sink is null ? (new InfluxMetrics(), true) : (sink.Metrics, false);
        _refused = sink?.Refused ?? new RefusedLines(options.RefusedFolder, clock);
        _delivery = new LineDelivery(_client, _refused, options, _metrics, clock, logger ?? NullLogger<InfluxDerived>.Instance);
        _eraser = new SeriesEraser(_client, options);
    }

    /// <summary>Whether the server can hold segments: VictoriaMetrics keeps no texts and removes whole series only, InfluxDB 3 removes nothing.</summary>
    /// <exception cref="HttpRequestException">The server cannot be asked.</exception>
    public async Task<bool> KeepsSegmentsAsync(CancellationToken cancellation) => _options.UsedApi != InfluxApi.V3 && !await _client.IsVictoriaMetricsAsync(cancellation);

    /// <summary>Replaces a user's segments that start in [from, to).</summary>
    /// <remarks>What stands between the beginnings of the new ones goes, then these are written, over what begins at the same instants. So no instant is removed and written
    /// in one breath: InfluxDB 1.6 now and then lost such a point.</remarks>
    /// <exception cref="HttpRequestException">The server did not remove the old ones; call again.</exception>
    public async Task ReplaceSegmentsAsync(string user, long fromUnixMs, long toUnixMs, IEnumerable<Segment> segments, CancellationToken cancellation)
    {
        List<Segment> all = [.. segments.OrderBy(segment => segment.StartUnixMs)];
        List<(long From, long To)> between = [];
        long from = fromUnixMs;
        foreach (Segment segment in all)
        {
            if (from < segment.StartUnixMs) between.Add((from, segment.StartUnixMs));
            from = segment.StartUnixMs + 1;
        }

        if (from < toUnixMs) between.Add((from, toUnixMs));
        await _eraser.EraseAsync([("user", user)], SegmentLines.SegmentMeasurement, between, cancellation);
        await WriteAsync(all.Select(segment => SegmentLines.Line(segment, _options)), cancellation);
    }

    /// <summary>Writes a release.</summary>
    /// <param name="question">What it answers; becomes its tags.</param>
    /// <param name="release">The answer.</param>
    /// <param name="stampUnixMs">Its time: the beginning of the range that was asked about, where there is one.</param>
    /// <param name="cancellation">Ends the trying; some of the rows may be in.</param>
    public Task WriteReleaseAsync(ReleaseRequest question, ReleaseTable release, long stampUnixMs, CancellationToken cancellation) =>
        WriteAsync(SegmentLines.Lines(question, release, stampUnixMs, _options.Precision), cancellation);

    /// <summary>Removes a device's points of [from, to) from every measurement, and from the refused lines: those that name it by the hash, and those that name it by its id.</summary>
    /// <exception cref="HttpRequestException">The server did not erase; call again.</exception>
    /// <exception cref="IOException">The refused lines could not be written anew; call again.</exception>
    public async Task EraseDeviceAsync(DeviceDescription device, long fromUnixMs, long toUnixMs, CancellationToken cancellation)
    {
        (fromUnixMs, toUnixMs) = (Math.Max(fromUnixMs, -LineWriter.LastUnixMs), Math.Min(toUnixMs, LineWriter.LastUnixMs));
        // The key may have come after the first lines.
        foreach (string name in new[] { DeviceSeries.TagOf(device, _options), device.Device }.Distinct())
            await EraseAsync([("brand", device.Brand), ("device", name)], measurement: null, fromUnixMs, toUnixMs, cancellation);
    }

    /// <summary>Removes every segment of a user, and from the refused lines.</summary>
    /// <exception cref="HttpRequestException">The server did not erase; call again.</exception>
    /// <exception cref="IOException">The refused lines could not be written anew; call again.</exception>
    public Task EraseUserAsync(string user, CancellationToken cancellation) =>
        EraseAsync([("user", user)], SegmentLines.SegmentMeasurement, 0, LineWriter.LastUnixMs, cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        if (_ownsMetrics) _metrics.Dispose();
    }

    private async Task EraseAsync((string Key, string Value)[] tags, string? measurement, long fromUnixMs, long toUnixMs, CancellationToken cancellation)
    {
        await _eraser.EraseAsync(tags, measurement, fromUnixMs, toUnixMs, cancellation);
        long unitsPerMs = _options.Precision == InfluxPrecision.Nanoseconds ? 1_000_000 : 1;
        _refused.Erase(line => !WrittenLine.TryRead(line, out WrittenLine? written)
            || (written.Has(tags) && written.Timestamp / unitsPerMs >= fromUnixMs && written.Timestamp / unitsPerMs < toUnixMs));
    }

    private async Task WriteAsync(IEnumerable<string> lines, CancellationToken cancellation)
    {
        LineBatch batch = new(_options.MaxLinesPerRequest, _options.MaxRequestBytes);
        foreach (string line in lines)
        {
            if (batch.Room <= 0)
            {
                await _delivery.DeliverAsync(batch, cancellation);
                batch.Clear();
            }

            batch.AddLine(Encoding.UTF8.GetBytes(line));
        }

        if (!batch.IsEmpty) await _delivery.DeliverAsync(batch, cancellation);
    }
}
