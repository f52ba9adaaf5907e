using System.Buffers;
using System.Text;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Batches;

/// <summary>Hands the batches of one call's requests to ingest. Knows the caller and, for a hub, the device it last relayed for.</summary>
internal sealed class RequestSubmitter(IIngest ingest, GrpcEndpointOptions options, IngestSession caller)
{
    private readonly byte[] _relayedName = new byte[SubmitRequestReader.MaxDeviceBytes];
    private int _relayedNameBytes;
    private IngestSession? _relayed;

    /// <summary>Submits every batch of one request and adds its settlement to <paramref name="group"/>. Does not wait for the flush.</summary>
    /// <exception cref="GrpcException">INVALID_ARGUMENT when the message is no SubmitRequest or has too many batches; nothing of it was submitted.</exception>
    public void Submit(in ReadOnlySequence<byte> message, AnswerGroup group)
    {
        if (SubmitRequestReader.ReadHeader(message, out SubmitRequestHeader header) != DecodeStatus.Done)
            throw new GrpcException(GrpcStatusCode.InvalidArgument, "The request is no SubmitRequest: its bytes are not valid protobuf, or its device name is too long.");
        if (header.BatchCount > options.MaxBatchesPerRequest)
            throw new GrpcException(GrpcStatusCode.InvalidArgument, $"The request has {header.BatchCount} batches; at most {options.MaxBatchesPerRequest} are taken.");

        IngestSession? session = header.Device.IsEmpty ? caller : Relayed(header.Device);
        ReadOnlySequence<byte> rest = message;
        for (int i = 0; i < header.BatchCount; i++)
        {
            ReadOnlySequence<byte> batch = SubmitRequestReader.NextBatch(ref rest);
            group.Add(session is null ? NotAuthorized : ingest.Submit(session, batch));
        }

        group.EndRequest(header.Tag, header.BatchCount, message.Length);
    }

    private static IngestTicket NotAuthorized => new(IngestOutcome.Refused, RefusalReason.NotAuthorized, Position: 0, RetryAfterMs: 0);

    private IngestSession? Relayed(in ReadOnlySequence<byte> device)
    {
        Span<byte> name = stackalloc byte[SubmitRequestReader.MaxDeviceBytes];
        device.CopyTo(name);
        name = name[..(int)device.Length];
        if (_relayedNameBytes > 0 && name.SequenceEqual(_relayedName.AsSpan(0, _relayedNameBytes))) return _relayed;

        _relayed = ingest.Relay(caller, Encoding.UTF8.GetString(name));
        name.CopyTo(_relayedName);
        _relayedNameBytes = name.Length;
        return _relayed;
    }
}
