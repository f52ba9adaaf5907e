using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Batches;

/// <summary>
/// The service telemetry.v1.Ingest. Batches are slices of the received bytes from the frame to the log; an answer is written after the
/// flush that makes it true.
/// </summary>
internal sealed class IngestMethods(IIngest ingest, SessionCache sessions, GrpcEndpointOptions options, ILogger<IngestMethods> logger)
{
    public void AddTo(GrpcMethods methods) => methods
        .Describe(() => IngestReflection.Descriptor)
        .Raw("telemetry.v1.Ingest/Submit", SubmitAsync)
        .Raw("telemetry.v1.Ingest/Upload", UploadAsync)
        .Raw("telemetry.v1.Ingest/Stream", StreamAsync)
        .Raw("telemetry.v1.Ingest/Commands", CommandsAsync);

    /// <summary>One request, answered when all its batches are settled. When none was kept the call ends with the refusal as its status.</summary>
    private async Task SubmitAsync(GrpcCall call)
    {
        RequestSubmitter submitter = new(ingest, options, await AuthenticateAsync(call));
        AnswerGroup answer = new();
        if (!await call.Requests.WaitAsync(call.Cancellation) || !call.Requests.TryRead(out ReadOnlySequence<byte> message)) throw GrpcMethods.OneRequest("none");
        submitter.Submit(message, answer);
        if (await call.Requests.WaitAsync(call.Cancellation)) throw GrpcMethods.OneRequest("more");
        await WaitDurableAsync(answer.LastPosition, call.Cancellation);
        if (RefusedAsAWhole(answer.Tickets, out GrpcStatus status)) throw new GrpcException(status);
        answer.WriteTo(call.Responses);
    }

    /// <summary>Any number of requests; one summary at the end, when all are settled.</summary>
    private async Task UploadAsync(GrpcCall call)
    {
        RequestSubmitter submitter = new(ingest, options, await AuthenticateAsync(call));
        UploadSummary summary = new();
        AnswerGroup group = new();
        long lastPosition = AnswerGroup.NothingToWaitFor;
        using CancellationTokenSource reading = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, call.Stopping);
        while (await call.Requests.WaitAsync(reading.Token))
        {
            while (call.Requests.TryRead(out ReadOnlySequence<byte> message))
            {
                submitter.Submit(message, group);
                Count(summary, group.Tickets);
                lastPosition = Math.Max(lastPosition, group.LastPosition);
                group.Clear();
            }
        }

        await WaitDurableAsync(lastPosition, call.Cancellation);
        call.Responses.Write(summary);
    }

    /// <summary>Reads on while flushes run: the read loop submits whole groups, the answer loop waits for each group's newest position and answers it.</summary>
    private async Task StreamAsync(GrpcCall call)
    {
        RequestSubmitter submitter = new(ingest, options, await AuthenticateAsync(call));
        using CancellationTokenSource reading = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, call.Stopping);
        Channel<AnswerGroup> submitted = Channel.CreateUnbounded<AnswerGroup>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Channel<AnswerGroup> free = Channel.CreateUnbounded<AnswerGroup>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        for (int i = 0; i < options.MaxAnswerGroupsInFlight; i++) free.Writer.TryWrite(new AnswerGroup());

        Task answering = AnswerAsync(call, submitted.Reader, free.Writer, reading);
        try
        {
            await SubmitAllAsync(call, submitter, free.Reader, submitted.Writer, reading.Token);
        }
        finally
        {
            // Whatever ends the reading, what was submitted is still answered; a failure of the answers weighs more than the end of reading they caused.
            submitted.Writer.Complete();
            await answering;
        }
    }

    private static async Task SubmitAllAsync(
        GrpcCall call, RequestSubmitter submitter, ChannelReader<AnswerGroup> free, ChannelWriter<AnswerGroup> submitted, CancellationToken cancellation)
    {
        while (await call.Requests.WaitAsync(cancellation))
        {
            bool hasMore = true;
            while (hasMore)
            {
                AnswerGroup group = await free.ReadAsync(cancellation);
                try
                {
                    while (!group.IsFull && (hasMore = call.Requests.TryRead(out ReadOnlySequence<byte> message))) submitter.Submit(message, group);
                }
                finally
                {
                    submitted.TryWrite(group);
                }
            }
        }
    }

    private async Task AnswerAsync(GrpcCall call, ChannelReader<AnswerGroup> submitted, ChannelWriter<AnswerGroup> free, CancellationTokenSource reading)
    {
        try
        {
            List<AnswerGroup> ready = new(options.MaxAnswerGroupsInFlight);
            while (await submitted.WaitToReadAsync(CancellationToken.None))
            {
                // Positions grow: one wait for the newest settles all that stand here, and none of them waits for a later one.
                while (submitted.TryRead(out AnswerGroup? group)) ready.Add(group);
                await WaitDurableAsync(ready.Max(group => group.LastPosition), call.Cancellation);
                foreach (AnswerGroup group in ready)
                {
                    group.WriteTo(call.Responses);
                    group.Clear();
                    free.TryWrite(group);
                }

                ready.Clear();
                await call.Responses.FlushAsync(call.Cancellation);
            }
        }
        finally
        {
            await reading.CancelAsync();
        }
    }

    /// <summary>The present Command at once, then every new one. A slow caller sees only the newest.</summary>
    private async Task CommandsAsync(GrpcCall call)
    {
        IngestSession session = await AuthenticateAsync(call);
        if (!await call.Requests.WaitAsync(call.Cancellation) || !call.Requests.TryRead(out ReadOnlySequence<byte> message)) throw GrpcMethods.OneRequest("none");
        CommandsRequest request = ParseCommandsRequest(message);
        if (request.Device.Length > 0)
            session = ingest.Relay(session, request.Device) ?? throw new GrpcException(GrpcStatusCode.PermissionDenied, "The caller may not ask for this device.");

        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, call.Stopping);
        Channel<bool> changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        using IDisposable subscription = ingest.OnCommandChanged(session, () => changes.Writer.TryWrite(true));
        do
        {
            while (changes.Reader.TryRead(out _))
            {
                // One present Command answers for every change before it.
            }

            ReadOnlyMemory<byte> command = ingest.CurrentCommand(session);
            command.Span.CopyTo(call.Responses.Begin(command.Length));
            call.Responses.End(command.Length);
            await call.Responses.FlushAsync(either.Token);
        }
        while (await changes.Reader.WaitToReadAsync(either.Token));
    }

    private async ValueTask<IngestSession> AuthenticateAsync(GrpcCall call)
    {
        if (await sessions.AuthenticateAsync(call.Metadata.Authorization, call.Cancellation) is { } session) return session;
        Log.WrongCredentials(logger, call.Method, call.Peer);
        throw new GrpcException(GrpcStatusCode.Unauthenticated, "Wrong or missing credentials; `authorization: Basic base64(brand/device:secret)` is required.");
    }

    private async ValueTask WaitDurableAsync(long position, CancellationToken cancellation)
    {
        if (position != AnswerGroup.NothingToWaitFor && !await ingest.WaitDurableAsync(position, cancellation))
            throw new GrpcException(GrpcStatusCode.Unavailable, "The collector stopped before the batches were durable; send them again.");
    }

    /// <summary>True when there were batches and each was refused.</summary>
    private static bool RefusedAsAWhole(ReadOnlySpan<IngestTicket> tickets, out GrpcStatus status)
    {
        status = default;
        if (tickets.IsEmpty) return false;
        foreach (ref readonly IngestTicket ticket in tickets)
        {
            if (ticket.Outcome != IngestOutcome.Refused) return false;
        }

        status = Refusals.ToStatus(tickets[0]);
        return true;
    }

    private static void Count(UploadSummary summary, ReadOnlySpan<IngestTicket> tickets)
    {
        foreach (ref readonly IngestTicket ticket in tickets)
        {
            switch (ticket.Outcome)
            {
                case IngestOutcome.Stored: summary.Stored++; break;
                case IngestOutcome.Duplicate: summary.Duplicate++; break;
                case IngestOutcome.DeadLettered: summary.DeadLettered++; break;
                default: summary.Refused++; break;
            }
        }
    }

    private static CommandsRequest ParseCommandsRequest(in ReadOnlySequence<byte> message)
    {
        try
        {
            return CommandsRequest.Parser.ParseFrom(message);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, "The request is no CommandsRequest: its bytes are not valid protobuf.");
        }
    }
}
