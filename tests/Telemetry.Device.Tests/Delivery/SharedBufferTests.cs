using Google.Protobuf;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

/// <summary>Batches leave through the part of the buffer that holds nothing of a Command that is coming in.</summary>
public sealed class SharedBufferTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 64)]
    [InlineData(64, 3)]
    [InlineData(1000, 1)]
    [InlineData(1, 1000)]
    public void LongCommands_WhileBatchesLeaveInPieces_BothArriveWhole(int mostSent, int mostReceived)
    {
        Rig rig = new(options =>
        {
            options.Transport = new TricklingTransport(options.Transport!, mostSent, mostReceived);
            options.BatchBytes = 2048;
        });
        List<(int Signal, long Ms, long Value)> given = [];
        Random random = new(1);
        uint version = 0;
        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 100; i++)
            {
                int value = random.Next(250);
                given.Add((Rig.HeartRate, rig.Clock.UptimeMs, value));
                rig.Client.Record(Rig.HeartRate, value);
                rig.Clock.Advance(1);
            }

            rig.Client.Flush();
            for (int turn = 0; turn < 400; turn++)
            {
                if (turn == 50 * round && rig.Client.IsConnected) rig.Broker.SendCommand(LongCommand(++version));
                rig.Client.Step();
            }
        }

        rig.Run(300_000);
        Assert.True(rig.Client.IsDrained);
        Assert.Equal(given, Rig.Samples(rig.Broker.Published).Where(sample => sample.Signal == Rig.HeartRate).Order());
        Assert.Equal(1, rig.Broker.Connects);
        Assert.Equal(version, rig.Client.ReadCounters().Commands);
        Assert.True(version >= 7);
        rig.AssertConserved();
    }

    // All but as long as the buffer, so that nothing can leave while its end is awaited.
    private static byte[] LongCommand(uint version)
    {
        Command command = new() { Version = version };
        for (uint signal = 1000; signal < 1035; signal++) command.CaptureRates.Add(new CaptureRate { Signal = signal, PeriodMs = 1000 });
        byte[] bytes = command.ToByteArray();
        Assert.InRange(bytes.Length, 280, 320);
        return bytes;
    }

    /// <summary>Takes and gives a few bytes every other time.</summary>
    private sealed class TricklingTransport(ITransport inner, int mostSent, int mostReceived) : ITransport
    {
        private int _sends;
        private int _receives;

        public TransportStatus Connect(string host, int port) => inner.Connect(host, port);

        public int Send(byte[] buffer, int offset, int count) => (_sends++ & 1) == 0 ? 0 : inner.Send(buffer, offset, Math.Min(count, mostSent));

        public int Receive(byte[] buffer, int offset, int count) => (_receives++ & 1) == 0 ? 0 : inner.Receive(buffer, offset, Math.Min(count, mostReceived));

        public void Close() => inner.Close();
    }
}
