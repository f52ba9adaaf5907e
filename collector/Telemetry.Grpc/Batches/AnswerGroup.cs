using System.Runtime.InteropServices;
using Telemetry.Grpc.Protocol;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Batches;

/// <summary>Requests that were submitted together and are answered together, in their order, once the newest of them is durable.</summary>
internal sealed class AnswerGroup
{
    /// <summary>Batches after which a group takes no further request: bounds what one flush of answers holds.</summary>
    public const int FullAtBatches = 512;

    /// <summary><see cref="LastPosition"/> when nothing of the group goes to the log.</summary>
    public const long NothingToWaitFor = -1;

    /// <summary>Bytes after which a group takes no further request. With the groups in flight it bounds what one stream holds in the log's buffer,
    /// so that flow control slows a fast stream down before ingest would have to refuse it.</summary>
    public const int FullAtBytes = 64 * 1024;

    private readonly List<(ulong Tag, int BatchCount)> _requests = [];
    private readonly List<IngestTicket> _tickets = [];
    private long _bytes;

    /// <summary>The position to wait for before anything of the group is answered.</summary>
    public long LastPosition { get; private set; } = NothingToWaitFor;

    /// <summary>True when nothing was added.</summary>
    public bool IsEmpty => _requests.Count == 0;

    /// <summary>True when the next request belongs into another group.</summary>
    public bool IsFull => _tickets.Count >= FullAtBatches || _requests.Count >= FullAtBatches || _bytes >= FullAtBytes;

    /// <summary>What became of each batch, in the order sent.</summary>
    public ReadOnlySpan<IngestTicket> Tickets => CollectionsMarshal.AsSpan(_tickets);

    /// <summary>Adds the settlement of one batch of the request that <see cref="EndRequest"/> will close.</summary>
    public void Add(in IngestTicket ticket)
    {
        _tickets.Add(ticket);
        if (ticket.Outcome != IngestOutcome.Refused && ticket.Position > LastPosition) LastPosition = ticket.Position;
    }

    /// <summary>Closes a request of <paramref name="bytes"/> bytes of which <paramref name="batchCount"/> batches were added.</summary>
    public void EndRequest(ulong tag, int batchCount, long bytes)
    {
        _requests.Add((tag, batchCount));
        _bytes += bytes;
    }

    /// <summary>Writes one SubmitResponse a request. Only after <see cref="LastPosition"/> is durable.</summary>
    public void WriteTo(MessageWriter responses)
    {
        ReadOnlySpan<IngestTicket> rest = Tickets;
        foreach ((ulong tag, int batchCount) in _requests)
        {
            ReadOnlySpan<IngestTicket> results = rest[..batchCount];
            rest = rest[batchCount..];
            WriteAnswer(responses, tag, results);
        }
    }

    /// <summary>Writes the SubmitResponse of one request.</summary>
    public static void WriteAnswer(MessageWriter responses, ulong tag, ReadOnlySpan<IngestTicket> results)
    {
        int size = SubmitResponseWriter.Size(tag, results);
        SubmitResponseWriter.Write(responses.Begin(size), tag, results);
        responses.End(size);
    }

    /// <summary>Empties the group for its next use.</summary>
    public void Clear()
    {
        _requests.Clear();
        _tickets.Clear();
        LastPosition = NothingToWaitFor;
        _bytes = 0;
    }
}
