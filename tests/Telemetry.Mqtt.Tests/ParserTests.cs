using System.Buffers;
using Telemetry.Mqtt.Packets;
using Telemetry.Testing;
using Telemetry.Wire;
using static Telemetry.Mqtt.Tests.MqttStandard;

namespace Telemetry.Mqtt.Tests;

/// <summary>The parsers alone: split at every byte, flipped and mutated. They answer Done, NeedMoreData or Malformed and never throw.</summary>
public class ParserTests
{
    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7F")]
    [InlineData(128, "8001")]
    [InlineData(16_383, "FF7F")]
    [InlineData(16_384, "808001")]
    [InlineData(2_097_151, "FFFF7F")]
    [InlineData(2_097_152, "80808001")]
    [InlineData(268_435_455, "FFFFFF7F")]
    [Statement(V5, "MQTT-1.5.5-1")]
    public void VariableByteInteger_TableOfTheStandard_ReadsAndWrites(int value, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        byte[] written = new byte[VariableByteInteger.SizeOf(value)];

        Assert.Equal(bytes.Length, VariableByteInteger.Write(written, value));
        Assert.Equal(bytes, written);
        Assert.Equal(DecodeStatus.Done, VariableByteInteger.TryRead(bytes, out int read, out int length));
        Assert.Equal((value, bytes.Length), (read, length));
        for (int cut = 0; cut < bytes.Length; cut++) Assert.Equal(DecodeStatus.NeedMoreData, VariableByteInteger.TryRead(bytes.AsSpan(0, cut), out _, out _));
    }

    [Theory]
    [InlineData("8000")]
    [InlineData("FF8000")]
    [InlineData("FFFFFFFF")]
    public void VariableByteInteger_LongerThanNeededOrTooLong_IsMalformed(string hex)
    {
        Assert.Equal(DecodeStatus.Malformed, VariableByteInteger.TryRead(Convert.FromHexString(hex), out _, out _));
    }

    [Fact]
    public void FixedHeader_SplitAtEveryByteAndSegment_NeedsMoreThenReads()
    {
        byte[] bytes = [0x32, 0xFF, 0xFF, 0x03, 0xAA];
        for (int cut = 0; cut < 4; cut++)
        {
            Assert.Equal(DecodeStatus.NeedMoreData, FixedHeader.TryRead(new ReadOnlySequence<byte>(bytes, 0, cut), out _, out _));
            Assert.Equal(DecodeStatus.Done, FixedHeader.TryRead(Pieces.Of(bytes, cut), out FixedHeader header, out int headerBytes));
            Assert.Equal((PacketType.Publish, 65_535, 4), (header.Type, header.RemainingLength, headerBytes));
        }
    }

    [Fact]
    public void Publish_SplitAtEveryByte_ReadsTheSame()
    {
        byte[] body = [.. Bytes.Text("t1/acme/band-1/up"), 1, 2, 5, 0x02, 0, 0, 0, 9, .. "payload"u8];
        for (int cut = 0; cut <= body.Length; cut++)
        {
            byte[]? scratch = null;
            Assert.Equal(DecodeStatus.Done, PublishPacket.TryRead(Pieces.Of(body, cut), 2, MqttVersion.V5, ref scratch, out PublishPacket packet, out _));
            Assert.Equal("t1/acme/band-1/up"u8.ToArray(), packet.Topic.ToArray());
            Assert.Equal((0x0102, 9u), (packet.PacketIdentifier, packet.Properties.MessageExpiryInterval));
            Assert.Equal("payload"u8.ToArray(), packet.Payload.ToArray());
        }
    }

    [Fact]
    public void Publish_HeaderLongerThanTheUsualCopy_ReadsTheSame()
    {
        string topic = new('x', 5_000);
        byte[] body = [.. Bytes.Text(topic), .. "payload"u8];
        byte[]? scratch = null;

        Assert.Equal(DecodeStatus.Done, PublishPacket.TryRead(Pieces.Of(body, 3), 0, MqttVersion.V311, ref scratch, out PublishPacket packet, out _));

        Assert.Equal((5_000, 7), (packet.Topic.Length, packet.Payload.Length));
    }

    [Fact]
    public void Publish_Parsing_AllocatesNothing()
    {
        ReadOnlySequence<byte> body = new([.. Bytes.Text("t1/acme/band-1/up"), 1, 2, 0, .. "payload"u8]);
        byte[]? scratch = null;
        PublishPacket.TryRead(body, 2, MqttVersion.V5, ref scratch, out _, out _);

        Assert.Equal(0, Allocation.LeastBytes(() =>
        {
            for (int i = 0; i < 1_000; i++) PublishPacket.TryRead(body, 2, MqttVersion.V5, ref scratch, out _, out _);
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Packets_MutatedAtRandom_AreDoneOrMalformedAndNeverThrow(int seed)
    {
        Random random = new(seed);
        byte[][] seeds = Samples();
        int done = 0;
        for (int i = 0; i < 30_000; i++)
        {
            byte[] packet = Mutate(seeds[random.Next(seeds.Length)], random);
            if (TryParse(packet, random.Next(2) == 0 ? MqttVersion.V5 : MqttVersion.V311)) done++;
        }

        Assert.InRange(done, 1, 29_999);
    }

    [Fact]
    public void Packets_EveryBitFlipped_AreDoneOrMalformedAndNeverThrow()
    {
        int parsed = 0;
        foreach (byte[] sample in Samples())
        {
            for (int bit = 0; bit < sample.Length * 8; bit++)
            {
                byte[] packet = [.. sample];
                packet[bit / 8] ^= (byte)(1 << (bit % 8));
                if (TryParse(packet, MqttVersion.V5)) parsed++;
                for (int cut = 0; cut < packet.Length; cut++) Assert.False(TryParse(packet.AsSpan(0, cut), MqttVersion.V5) && packet[1] == sample[1] && cut < 2 + sample[1]);
            }
        }

        Assert.True(parsed > 0);
    }

    /// <summary>One of each packet a client sends, all shorter than 128 bytes.</summary>
    private static byte[][] Samples()
    {
        ConnectBytes connect = new() { ClientId = "c", Will = ("lab/w", "w"), WillProperties = [0x18, 0, 0, 0, 5], UserName = "acme/b", Password = "p", Properties = [0x11, 0, 0, 0, 60, 0x21, 0, 9] };
        return
        [
            connect.ToArray(),
            Bytes.Publish(5, "lab/x", "hello", 1, 7, [0x26, .. Bytes.Text("k"), .. Bytes.Text("v"), 0x23, 0, 1]),
            [0x40, 9, 0, 7, 0x97, 5, 0x1F, 0, 2, 0x6F, 0x6B],
            Bytes.Subscribe(5, 9, "$share/s/lab/+/x", 0x1A, [0x0B, 7]),
            Bytes.Unsubscribe(5, 9, "lab/#"),
            [0xE0, 7, 0x04, 5, 0x11, 0, 0, 0, 5],
        ];
    }

    internal static byte[] Mutate(byte[] sample, Random random)
    {
        List<byte> bytes = [.. sample];
        for (int times = random.Next(1, 4); times > 0; times--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.Insert(at, (byte)random.Next(256)); break;
                case 2 when bytes.Count > 3: bytes.RemoveAt(at); break;
                default: bytes[at] = (byte)(random.Next(2) == 0 ? 0 : 0xFF); break;
            }
        }

        // Structure-aware: most mutants keep a true Remaining Length and reach the parser of the body.
        if (random.Next(4) > 0 && bytes.Count is > 2 and < 130) bytes[1] = (byte)(bytes.Count - 2);
        return [.. bytes];
    }

    private static bool TryParse(ReadOnlySpan<byte> packet, MqttVersion version)
    {
        ReadOnlySequence<byte> input = new(packet.ToArray());
        if (FixedHeader.TryRead(input, out FixedHeader header, out int headerBytes) != DecodeStatus.Done) return false;
        if (input.Length - headerBytes < header.RemainingLength) return false;

        ReadOnlySequence<byte> body = input.Slice(headerBytes, header.RemainingLength);
        PacketReader reader = new(body.FirstSpan);
        byte[]? scratch = null;
        return DecodeStatus.Done == header.Type switch
        {
            PacketType.Connect => ConnectPacket.TryRead(ref reader, out _),
            PacketType.Publish => ReadPublish(body, header.Flags, version, ref scratch),
            PacketType.Puback or PacketType.Pubrec or PacketType.Pubrel or PacketType.Pubcomp => AckPacket.TryRead(ref reader, version, out _),
            PacketType.Subscribe => ReadSubscribe(ref reader, version),
            PacketType.Unsubscribe => UnsubscribePacket.TryRead(ref reader, version, out _),
            PacketType.Disconnect => DisconnectPacket.TryRead(ref reader, version, out _),
            _ => DecodeStatus.Malformed,
        };
    }

    /// <summary>What parses must also be forwardable: the copy of its properties runs over the same bytes.</summary>
    private static DecodeStatus ReadPublish(in ReadOnlySequence<byte> body, byte flags, MqttVersion version, ref byte[]? scratch)
    {
        DecodeStatus status = PublishPacket.TryRead(body, flags, version, ref scratch, out PublishPacket packet, out _);
        if (status == DecodeStatus.Done) Properties.CopyForwarded(packet.Properties.Raw, new byte[packet.Properties.Raw.Length]);
        return status;
    }

    private static DecodeStatus ReadSubscribe(ref PacketReader reader, MqttVersion version)
    {
        DecodeStatus status = SubscribePacket.TryRead(ref reader, version, out SubscribePacket packet);
        int read = 0;
        while (status == DecodeStatus.Done && packet.TryReadNext(out _, out _)) read++;
        Assert.True(status != DecodeStatus.Done || read == packet.Count);
        return status;
    }
}
