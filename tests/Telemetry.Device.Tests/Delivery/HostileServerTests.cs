using Google.Protobuf;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

/// <summary>A server that answers nonsense, or that is always busy: the device neither stops nor hurries nor forgets.</summary>
public sealed class HostileServerTests
{
    [Fact]
    public void Answers_BentInEveryWay_NeverThrowAndAfterwardsEverythingArrives()
    {
        for (int seed = 1; seed <= 150; seed++)
        {
            BentTransport way = new(seed);
            Rig rig = new(options =>
            {
                way.Inner = options.Transport!;
                options.Transport = way;
                options.ProtocolVersion = 4 + (seed & 1);
            });
            rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
            rig.Broker.ConnackProperties = [0x21, 0, 9, 0x22, 0, 4, 0x26, 0, 9, .. "window-ms"u8, 0, 4, .. "2000"u8];
            for (int round = 0; round < 40; round++)
            {
                rig.Client.Record(Rig.Door, round & 1);
                rig.Client.Flush();
                rig.Run(30_000);
                rig.AssertConserved();
            }

            way.IsBent = false;
            rig.Run(30L * 3_600_000); // a bent "bad credentials" is believed for an hour or two, a bent window for a day
            Assert.True(rig.Client.IsDrained, $"seed {seed}: connected {rig.Client.IsConnected}, {rig.Broker.Connects} connections, {rig.Broker.Published.Count} sent");
            rig.AssertConserved();
        }
    }

    [Fact]
    public void Packet_OfAnyTypeAndLongerThanTheBuffer_IsSurvived()
    {
        for (int first = 0; first < 256; first++)
        {
            Rig rig = new(options => options.ProtocolVersion = 4 + (first & 1));
            rig.Run(1000);
            Assert.True(rig.Client.IsConnected);
            rig.Broker.Say([(byte)first, 0x88, 0x27, .. new byte[5000]]); // 39 * 128 + 8
            rig.Client.Record(Rig.Door, 1);
            rig.Client.Flush();
            rig.Run(900_000);
            Assert.True(rig.Client.IsDrained, $"first byte {first:x2}");
            rig.AssertConserved();
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x21, 0, 0 })] // Receive Maximum 0 is a protocol error
    [InlineData(new byte[] { 0x27, 0, 0, 0, 0 })] // so is Maximum Packet Size 0
    [InlineData(new byte[] { 0x21, 0 })]
    [InlineData(new byte[] { 0x7E, 1, 2 })]
    [InlineData(new byte[] { 0x26, 0xFF, 0xFF, 0, 0 })]
    [InlineData(new byte[] { 0x26, 0, 7, (byte)'s', (byte)'l', (byte)'o', (byte)'t', (byte)'-', (byte)'m', (byte)'s', 0xFF, 0xFF })]
    public void Connack_MalformedProperties_IsNoSession(byte[] properties)
    {
        Rig rig = new();
        rig.Broker.ConnackProperties = properties;
        rig.Run(1000);
        Assert.False(rig.Client.IsConnected);
        Assert.Empty(rig.Broker.Published);

        rig.Broker.ConnackProperties = [];
        rig.Run(900_000);
        Assert.True(rig.Client.IsConnected);
    }

    [Fact]
    public void Puback_BusyForADay_OneBatchIsTriedEveryFewMinutesAndNothingIsLost()
    {
        Rig rig = new();
        rig.Broker.PubackReason = 0x97; // quota exceeded
        for (int minute = 0; minute < 1440; minute++)
        {
            rig.Client.Record(Rig.Door, minute & 1);
            rig.Run(60_000);
        }

        Assert.InRange(rig.Broker.Published.Count, 100, 300);
        Assert.Equal(1, rig.Broker.Connects);
        rig.Broker.PubackReason = 0;
        rig.Run(900_000);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(1440, rig.Client.ReadCounters().Acked);
        rig.AssertConserved();
    }

    /// <summary>Among the jumps are those whose product with a billion ends where 64 bits begin anew.</summary>
    [Fact]
    public void WallTime_JumpsByMonthsAndYears_NothingIsLearnedAndBatchesStayReadable()
    {
        const long Start = 1_800_000_000_000;
        const long Wrap = 18_446_744_074; // 2^64 / 10^9, in ms
        const long Year = 31_557_600_000;
        foreach (long jump in (long[])[Wrap, -Wrap, 2 * Wrap, -3 * Wrap, Year, -Year, 50 * Year, -50 * Year, 300 * Year])
        {
            Rig rig = new();
            Assert.True(rig.Client.SetWallTime(Start, 10, 3));
            rig.Clock.Advance(7_200_000);
            rig.Client.SetWallTime(Start + 7_200_000 + jump, 10, 3);
            rig.Clock.Advance(7_200_000);
            rig.Client.SetWallTime(Start + 14_400_000, 10, 3);
            rig.Clock.Advance(7_200_000);
            Assert.Equal(rig.Clock.UptimeMs, rig.Client.UptimeMs);
            rig.Client.Record(Rig.Door, 1);
            rig.Client.Flush();
            rig.Run(1000);
            Assert.Single(Rig.Samples(rig.Broker.Published));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 48)]
    public void SetWallTime_BeyondWhatABatchCanCarry_IsNotTaken(long unixMs)
    {
        Rig rig = new();
        Assert.False(rig.Client.SetWallTime(unixMs, 10, 3));
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.Single(Rig.Samples(rig.Broker.Published));
    }
}
