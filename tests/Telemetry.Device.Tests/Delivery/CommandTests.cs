using Google.Protobuf;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.Batches;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Delivery;

public sealed class CommandTests
{
    [Fact]
    public void Command_ServerTime_StandsInTheNextBatch()
    {
        Rig rig = new();
        rig.Broker.Command = new Command { ServerUnixMs = 1_800_000_000_000, ServerErrorMs = 40, Version = 1 }.ToByteArray();
        rig.Run(1000);
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.Equal(Telemetry.Wire.DecodeStatus.Done, BatchReader.ReadHeader(rig.Broker.Published[0], out BatchHeader header, out _));
        Assert.Equal((int)ClockSource.Server, header.Clock.Source);
        Assert.InRange(header.Clock.WallUnixMs, 1_800_000_000_900, 1_800_000_001_100);
        Assert.InRange(header.Clock.ErrorMs, 40u, 100u);
    }

    [Fact]
    public void Command_ErasureFence_DropsWhatIsSpooledAndBeginsAnEpoch()
    {
        Rig rig = new();
        rig.Broker.Acks = false;
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        uint epoch = rig.Client.Epoch;
        rig.Broker.Command = new Command { Version = 1, EraseEpoch = epoch }.ToByteArray();
        rig.Run(1000);
        Assert.NotEqual(epoch, rig.Client.Epoch);
        Assert.Equal(0, rig.Client.SpooledBatches);
        Assert.Equal(1, rig.Client.ReadCounters().Dropped(LossReason.Erased));
        rig.AssertConserved();
    }

    [Fact]
    public void Command_ConsentWithdrawn_CaptureStopsAndIsTold()
    {
        Rig rig = new();
        rig.Broker.Command = new Command { Version = 1, WithdrawnSignals = { Rig.Door } }.ToByteArray();
        rig.Run(1000);
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Record(Rig.HeartRate, 60);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.DoesNotContain(Rig.Samples(rig.Broker.Published), sample => sample.Signal == Rig.Door);
        Assert.Equal(1, rig.Client.ReadCounters().Dropped(LossReason.Consent));
        rig.AssertConserved();
    }

    [Fact]
    public void Command_MaxBatchBytes_BatchesStayBelowUntilItIsTakenBack()
    {
        const int LimitBytes = 240;
        Rig rig = new(options => options.BatchBytes = 1024); // a minute's samples
        rig.Broker.Command = new Command { Version = 1 }.ToByteArray();
        rig.Run(1000);
        Assert.Single(BatchesOfAMinute(rig));

        rig.Broker.SendCommand(new Command { Version = 2, MaxBatchBytes = LimitBytes }.ToByteArray());
        rig.Run(1000);
        byte[][] limited = BatchesOfAMinute(rig);
        Assert.True(limited.Length > 1);
        Assert.All(limited, batch => Assert.InRange(batch.Length, 1, LimitBytes));
        Assert.Equal(240, Rig.Samples(limited).Count);

        rig.Broker.SendCommand(new Command { Version = 3 }.ToByteArray());
        rig.Run(1000);
        Assert.Single(BatchesOfAMinute(rig));
        rig.AssertConserved();

        static byte[][] BatchesOfAMinute(Rig rig)
        {
            int before = rig.Broker.Published.Count;
            for (int second = 0; second < 60; second++)
            {
                rig.Client.Record(Rig.HeartRate, 60 + (second * 7 % 90));
                rig.Client.Record(Rig.Cadence, second * 11 % 200);
                rig.Client.Record(Rig.Temperature, 2000 + (second * 37 % 500));
                rig.Client.Record(Rig.Door, second & 1);
                rig.Run(1000);
            }

            rig.Client.Flush();
            rig.Run(1000);
            return [.. rig.Broker.Published.Skip(before)];
        }
    }

    [Fact]
    public void Command_CaptureRate_SlowerSamplesOnlyAndTheRestCounted()
    {
        Rig rig = new();
        rig.Broker.Command = new Command { Version = 1, CaptureRates = { new CaptureRate { Signal = Rig.Door, PeriodMs = 10_000 } } }.ToByteArray();
        rig.Run(1000);
        for (int second = 0; second < 100; second++)
        {
            rig.Client.Record(Rig.Door, second & 1);
            rig.Run(1000);
        }

        rig.Client.Flush();
        rig.Run(1000);
        Assert.InRange(Rig.Samples(rig.Broker.Published).Count, 10, 12);
        Assert.InRange(rig.Client.ReadCounters().Dropped(LossReason.RateLimited), 88, 90);
        rig.AssertConserved();
    }

    [Fact]
    public void Command_NextOneNamesLess_WhatItDoesNotNameIsAsTheProfileSaysAgain()
    {
        Answering handler = new();
        Rig rig = new(options => options.CommandHandler = handler);
        rig.Broker.Command = new Command
        {
            Version = 1, CaptureRates = { new CaptureRate { Signal = Rig.Door, PeriodMs = 10_000 }, new CaptureRate { Signal = Rig.Cadence } }, WithdrawnSignals = { Rig.HeartRate },
        }.ToByteArray();
        rig.Run(1000);
        Assert.InRange(SamplesOfSeconds(50), 5, 6);

        // The rate of the door stays; it is not told again.
        rig.Broker.SendCommand(new Command { Version = 2, CaptureRates = { new CaptureRate { Signal = Rig.Door, PeriodMs = 10_000 } } }.ToByteArray());
        rig.Run(1000);
        Assert.InRange(SamplesOfSeconds(50), 5, 6);
        rig.Broker.SendCommand(new Command { Version = 3 }.ToByteArray());
        rig.Run(1000);
        Assert.Equal(50, SamplesOfSeconds(50));
        Assert.Equal(
            [(Rig.HeartRate, 0), (Rig.Cadence, 0), (Rig.Door, 10_000), (Rig.HeartRate, -1), (Rig.Cadence, -1), (Rig.Door, -1)],
            handler.Rates);
        rig.AssertConserved();

        int SamplesOfSeconds(int seconds)
        {
            int before = rig.Broker.Published.Count;
            for (int second = 0; second < seconds; second++)
            {
                rig.Client.Record(Rig.Door, second & 1);
                rig.Run(1000);
            }

            rig.Client.Flush();
            rig.Run(1000);
            return Rig.Samples([.. rig.Broker.Published.Skip(before)]).Count(sample => sample.Signal == Rig.Door);
        }
    }

    [Fact]
    public void Command_ShorterUploadInterval_HoldsAtOnce()
    {
        Rig rig = new();
        rig.Broker.Command = new Command { Version = 1, UploadWindow = new UploadWindow { IntervalS = 86_400 } }.ToByteArray();
        rig.Client.Record(Rig.Door, 1);
        rig.Client.Flush();
        rig.Run(1000);
        rig.Client.Record(Rig.Door, 0);
        rig.Client.Flush();
        rig.Run(3_600_000);
        Assert.Single(rig.Broker.Published);
        rig.Broker.SendCommand(new Command { Version = 2, UploadWindow = new UploadWindow { IntervalS = 60 } }.ToByteArray());
        rig.Run(61_000);
        Assert.Equal(2, rig.Broker.Published.Count);
    }

    [Fact]
    public void Command_Question_IsAskedOnceAndTheAnswerOvertakesTheBacklog()
    {
        Answering handler = new();
        Rig rig = new(options =>
        {
            options.CommandHandler = handler;
            options.EventSectors = 4;
        });
        handler.Client = rig.Client;
        for (int i = 0; i < 5; i++)
        {
            rig.Client.Record(Rig.Door, i & 1);
            rig.Client.Flush();
        }

        rig.Broker.Acks = false; // the backlog stays
        Command command = new() { Version = 1, Question = new Question { Id = 9, Text = "How was it?", Answers = { "good", "bad" }, AnswerSignal = Rig.Button } };
        rig.Broker.Command = command.ToByteArray();
        rig.Run(1000);
        rig.Broker.SendCommand(command.ToByteArray()); // retained: it comes again with every connection
        rig.Run(1000);
        command.Version = 2; // another order changed beside it
        rig.Broker.SendCommand(command.ToByteArray());
        rig.Run(1000);

        Assert.Equal(["9 How was it? good/bad"], handler.Asked);
        Assert.Contains(Rig.Samples(rig.Broker.Published), sample => sample is { Signal: Rig.Button, Value: 1 });
        rig.AssertConserved();
    }

    [Fact]
    public void Command_AnyByteFlipped_NeverThrows()
    {
        byte[] command = new Command
        {
            ServerUnixMs = 1_800_000_000_000, Version = 2, UploadWindow = new UploadWindow { IntervalS = 5 }, ReconnectWindow = new ReconnectWindow { WindowMs = 9 },
            Question = new Question { Id = 1, Text = "well?", Answers = { "yes", "no" }, AnswerSignal = Rig.Button },
            CaptureRates = { new CaptureRate { Signal = 1, PeriodMs = 500 } }, WithdrawnSignals = { 2, 300 },
        }.ToByteArray();
        Rig rig = new();
        rig.Run(1000);
        for (int i = 0; i < command.Length * 8; i++)
        {
            byte[] bent = [.. command];
            bent[i / 8] ^= (byte)(1 << (i % 8));
            rig.Broker.SendCommand(bent);
            rig.Client.Step();
        }

        TelemetryCounters counters = rig.Client.ReadCounters();
        Assert.Equal(command.Length * 8, counters.Commands + counters.SkippedCommands);
    }

    /// <summary>A person who always picks the second answer.</summary>
    private sealed class Answering : ICommandHandler
    {
        public TelemetryClient? Client { get; set; }

        public List<string> Asked { get; } = [];

        public List<(int Signal, int PeriodMs)> Rates { get; } = [];

        public void OnQuestion(int id, string text, string[] answers, int answerSignal)
        {
            Asked.Add($"{id} {text} {string.Join('/', answers)}");
            Client!.Record(answerSignal, 1);
        }

        public void OnCaptureRate(int signal, int periodMs) => Rates.Add((signal, periodMs));

        public void OnErased()
        {
            // Not asked for here.
        }
    }
}
