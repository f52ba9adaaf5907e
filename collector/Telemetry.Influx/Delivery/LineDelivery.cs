using Microsoft.Extensions.Logging;
using Telemetry.Influx.LineProtocol;

namespace Telemetry.Influx.Delivery;

/// <summary>Delivers batches of lines: returns only when each line is in the server or set aside with the server's words.</summary>
internal sealed class LineDelivery(InfluxClient client, RefusedLines refused, InfluxOptions options, InfluxMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly RetryPolicy _retries = new(options);

    /// <summary>Delivers a batch, however long it takes.</summary>
    /// <exception cref="OperationCanceledException">The sink stops; some of the lines may be in.</exception>
    public async Task DeliverAsync(LineBatch batch, CancellationToken cancellation)
    {
        (int count, int status) = await DeliverAsync(batch, 0, batch.LineCount, cancellation);
        if (count > 0) Log.LinesRefused(logger, count, batch.LineCount, status, refused.FilePath);
    }

    /// <summary>A refused portion is halved until the bad lines stand alone: at most 2 log2(n) requests for each of them. Resending its good lines changes nothing.</summary>
    /// <returns>How many were refused for good, and the status of the last.</returns>
    private async Task<(int Refused, int Status)> DeliverAsync(LineBatch batch, int first, int count, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> lines = batch.Lines(first, count);
        WriteResult result = await SendUntilAnsweredAsync(lines, cancellation);
        if (result.Verdict == WriteVerdict.Taken)
        {
            metrics.Written(count, lines.Length);
            return (0, 0);
        }

        if (count == 1)
        {
            refused.Add(lines.Span, result.HttpStatus, result.Reason);
            metrics.Refused();
            return (1, result.HttpStatus);
        }

        int half = count / 2;
        (int before, int status) = await DeliverAsync(batch, first, half, cancellation);
        (int behind, int last) = await DeliverAsync(batch, first + half, count - half, cancellation);
        return (before + behind, behind > 0 ? last : status);
    }

    private async Task<WriteResult> SendUntilAnsweredAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellation)
    {
        bool reported = false;
        while (true)
        {
            WriteResult result = await client.WriteAsync(lines, cancellation);
            if (result.Verdict == WriteVerdict.NoDatabase)
            {
                if (!reported) Log.CreatingDatabase(logger, options.Bucket);
                WriteResult created = await client.CreateDatabaseAsync(cancellation);
                if (created.Verdict == WriteVerdict.Taken) continue;
                result = created with { Verdict = WriteVerdict.Again };
            }

            if (result.Verdict != WriteVerdict.Again)
            {
                _retries.Success();
                if (reported) Log.ServerIsBack(logger);
                return result;
            }

            TimeSpan pause = _retries.AfterFailure(result.RetryAfter);
            metrics.Retried();
            if (!reported) Log.ServerRefuses(logger, result.HttpStatus == 0 ? result.Reason : $"HTTP {result.HttpStatus}: {result.Reason}");
            reported = true;
            await Task.Delay(pause, time, cancellation);
        }
    }
}
