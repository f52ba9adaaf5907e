using System.Buffers;
using Google.Protobuf;
using Telemetry.Grpc.Batches;
using Telemetry.Grpc.Protocol;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>The hand-written message code against Google.Protobuf as its oracle, split at every byte and mutated.</summary>
public sealed class SubmitMessageTests
{
    [Fact]
    public void ReadHeader_AnySplit_ReadsWhatProtobufReads()
    {
        SubmitRequest request = new() { Tag = 300, Device = "acme/d1", Batches = { ByteString.CopyFrom(1, 2, 3), ByteString.Empty, ByteString.CopyFrom(new byte[200]) } };
        byte[] bytes = request.ToByteArray();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            ReadOnlySequence<byte> message = Pieces.Of(bytes, cut);
            Assert.Equal(DecodeStatus.Done, SubmitRequestReader.ReadHeader(message, out SubmitRequestHeader header));
            Assert.Equal((300ul, 3, "acme/d1"), (header.Tag, header.BatchCount, System.Text.Encoding.UTF8.GetString(header.Device.ToArray())));
            ReadOnlySequence<byte> rest = message;
            foreach (ByteString batch in request.Batches) Assert.Equal(batch.ToByteArray(), SubmitRequestReader.NextBatch(ref rest).ToArray());
        }
    }

    [Fact]
    public void ReadHeader_CutShort_IsDoneOrMalformedAsProtobufSays()
    {
        byte[] bytes = new SubmitRequest { Tag = 300, Device = "acme/d1", Batches = { ByteString.CopyFrom(1, 2, 3) } }.ToByteArray();
        for (int length = 0; length < bytes.Length; length++) AssertAgrees(bytes[..length]);
    }

    [Fact]
    public void ReadHeader_UnknownFields_AreSkipped()
    {
        byte[] bytes = [0x78, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7A, 2, 9, 9, 0x7D, 1, 2, 3, 4, 0x08, 0x05];
        Assert.Equal(DecodeStatus.Done, SubmitRequestReader.ReadHeader(new ReadOnlySequence<byte>(bytes), out SubmitRequestHeader header));
        Assert.Equal(5ul, header.Tag);
    }

    [Fact]
    public void ReadHeader_DeviceNameOverItsLimit_IsMalformed()
    {
        byte[] bytes = new SubmitRequest { Device = new string('d', SubmitRequestReader.MaxDeviceBytes + 1) }.ToByteArray();
        Assert.Equal(DecodeStatus.Malformed, SubmitRequestReader.ReadHeader(new ReadOnlySequence<byte>(bytes), out _));
    }

    /// <summary>Replay one round: set seed and rounds below to the ones printed.</summary>
    [Fact]
    public void ReadHeader_MutatedMessages_NeverReadsBeyondWhatProtobufAllows()
    {
        const int Seed = 20261122;
        Random random = new(Seed);
        for (int round = 0; round < 20_000; round++)
        {
            SubmitRequest request = new() { Tag = (ulong)random.NextInt64(), Device = random.Next(2) == 0 ? "" : "acme/d1" };
            for (int i = random.Next(4); i > 0; i--) request.Batches.Add(ByteString.CopyFrom(new byte[random.Next(40)]));
            byte[] bytes = request.ToByteArray();
            for (int i = random.Next(4); i > 0 && bytes.Length > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) bytes = bytes[..random.Next(bytes.Length + 1)];
            AssertAgrees(bytes, $"seed {Seed}, round {round}");
        }
    }

    [Fact]
    public void WriteResponse_EveryOutcomeAndReason_IsWhatProtobufReads()
    {
        foreach (RefusalReason reason in Enum.GetValues<RefusalReason>())
        {
            foreach (int retry in new[] { 0, 1, 127, 128, int.MaxValue })
            {
                IngestTicket[] tickets =
                [
                    new(IngestOutcome.Stored, RefusalReason.None, 9, 0), new(IngestOutcome.Duplicate, RefusalReason.None, 9, 0), new(IngestOutcome.Refused, reason, 0, retry),
                ];
                foreach (ulong tag in new ulong[] { 0, 1, 127, 128, 1ul << 35, ulong.MaxValue })
                {
                    byte[] bytes = new byte[SubmitResponseWriter.Size(tag, tickets)];
                    Assert.Equal(bytes.Length, SubmitResponseWriter.Write(bytes, tag, tickets));
                    SubmitResponse response = SubmitResponse.Parser.ParseFrom(bytes);
                    Assert.Equal(tag, response.Tag);
                    Assert.Equal([Outcome.Stored, Outcome.Duplicate, Outcome.Refused], response.Results.Select(result => result.Outcome));
                    Assert.Equal((uint)retry, response.Results[2].RetryAfterMs);
                    Assert.Equal(bytes, response.ToByteArray());
                }
            }
        }
    }

    [Fact]
    public void TryReadFrame_AnySplitAndCut_NeedsMoreOrIsDone()
    {
        byte[] frames = [.. GrpcTestClient.Frame([1, 2, 3]), .. GrpcTestClient.Frame([])];
        for (int length = 0; length <= frames.Length; length++)
        {
            for (int cut = 0; cut <= length; cut++)
            {
                ReadOnlySequence<byte> input = Pieces.Of(frames[..length], cut);
                long before = input.Length;
                DecodeStatus status = MessageFraming.TryRead(ref input, maxMessageBytes: 3, out bool isCompressed, out ReadOnlySequence<byte> message, out _);
                Assert.Equal(length < 8 ? DecodeStatus.NeedMoreData : DecodeStatus.Done, status);
                Assert.Equal(status == DecodeStatus.Done ? before - 8 : before, input.Length);
                if (status == DecodeStatus.Done) Assert.Equal([1, 2, 3], message.ToArray());
                Assert.False(isCompressed);
            }
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 4 }, GrpcStatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, GrpcStatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 }, GrpcStatusCode.Internal)]
    public void TryReadFrame_BrokenHeader_IsMalformedWithItsStatus(byte[] header, GrpcStatusCode expected)
    {
        ReadOnlySequence<byte> input = new(header);
        Assert.Equal(DecodeStatus.Malformed, MessageFraming.TryRead(ref input, maxMessageBytes: 3, out _, out _, out GrpcStatus fault));
        Assert.Equal(expected, fault.Code);
    }

    [Theory]
    [InlineData("5S", 5_000.0)]
    [InlineData("99999999H", 359_999_996_400_000.0)]
    [InlineData("2M", 120_000.0)]
    [InlineData("250m", 250.0)]
    [InlineData("1500u", 1.5)]
    [InlineData("100n", 0.0001)]
    [InlineData("0S", 0.0)]
    public void Timeout_GoodText_IsRead(string text, double milliseconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out TimeSpan timeout));
        Assert.Equal(milliseconds, timeout.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("5")]
    [InlineData("5s")]
    [InlineData("-5S")]
    [InlineData("123456789S")]
    [InlineData("1.5S")]
    public void Timeout_BadText_IsRefused(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Theory]
    [InlineData("plain text ~", "plain text ~")]
    [InlineData("100 %", "100 %25")]
    [InlineData("ö\t\u007F", "%C3%B6%09%7F")]
    [InlineData("", "")]
    public void PercentEncoding_FollowsGrpcsRule(string message, string encoded) => Assert.Equal(encoded, PercentEncoding.Encode(message));

    [Fact]
    public void PercentEncoding_TooLong_IsCutAtAWholeCharacter()
    {
        string message = new string('x', PercentEncoding.MaxMessageLength - 1) + "\U0001F600";
        Assert.Equal(new string('x', PercentEncoding.MaxMessageLength - 1), PercentEncoding.Encode(message));
    }

    private static void AssertAgrees(byte[] bytes, string because = "")
    {
        DecodeStatus status = SubmitRequestReader.ReadHeader(Pieces.Of(bytes, bytes.Length / 2), out SubmitRequestHeader header);
        SubmitRequest? oracle = null;
        try
        {
            oracle = SubmitRequest.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            // The oracle says no.
        }

        // We are stricter: no groups, no bits beyond 64 in a varint, no long device name. Never laxer in what we take as batches.
        if (status != DecodeStatus.Done || oracle is null) return;
        Assert.True(oracle.Batches.Count == header.BatchCount && oracle.Tag == header.Tag, because);
        ReadOnlySequence<byte> rest = Pieces.Of(bytes, bytes.Length / 2);
        foreach (ByteString batch in oracle.Batches) Assert.True(batch.Span.SequenceEqual(SubmitRequestReader.NextBatch(ref rest).ToArray()), because);
    }
}
