using System.Diagnostics.Metrics;
using Telemetry.Ingest.Sequences;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

/// <summary>What is known of sequences is the same after a restart, however it came and with or without the checkpoint.</summary>
public sealed class RestartTests : IngestTestBase
{
    private static readonly ulong[] s_sent = [1, 2, 3, 7, 8, 400, 401, 390];

    [Theory]
    [InlineData("orderly")]
    [InlineData("killed")]
    [InlineData("checkpoint lost")]
    [InlineData("checkpoint damaged")]
    [InlineData("checkpoint then killed")]
    public async Task Restart_KnowsEverySeqAndEveryGap(string how)
    {
        foreach (ulong seq in s_sent) Assert.Equal(IngestOutcome.Stored, Send(seq));
        Log.FlushPending();
        if (how == "checkpoint then killed")
        {
            await Service.WriteCheckpointAsync();
            Assert.Equal(IngestOutcome.Stored, Send(395));
            Log.FlushPending();
        }

        IReadOnlyList<MissingSeqs> missing = Service.MissingOf(1001);
        if (how.EndsWith("killed", StringComparison.Ordinal)) Kill();
        else Close();
        if (how == "checkpoint lost") Disk.Delete(SeqCheckpoint.FileName);
        if (how == "checkpoint damaged") Disk.Contents(SeqCheckpoint.FileName)[^3] ^= 1;

        Assert.Equal(missing, Service.MissingOf(1001));
        foreach (ulong seq in s_sent) Assert.Equal(IngestOutcome.Duplicate, Send(seq));
        Assert.Equal(how == "checkpoint then killed" ? IngestOutcome.Duplicate : IngestOutcome.Stored, Send(395));
        foreach (ulong seq in (ulong[])[4, 100, 399, 402]) Assert.Equal(IngestOutcome.Stored, Send(seq));
    }

    [Fact]
    public void Checkpoint_HoldsNothingThatCouldStillBeLost()
    {
        Send(1);
        Log.FlushPending();
        Send(2);
        Task checkpoint = Service.WriteCheckpointAsync();
        Assert.False(checkpoint.IsCompleted);
        Assert.DoesNotContain(SeqCheckpoint.FileName, Disk.ListFiles());

        // The power goes: seq 2 was never flushed, so it must be new afterwards.
        Disk.CutPower();
        Kill();
        Assert.Equal(IngestOutcome.Duplicate, Send(1));
        Assert.Equal(IngestOutcome.Stored, Send(2));
    }

    [Fact]
    public void Checkpoint_AheadOfTheLog_IsNotTaken()
    {
        for (ulong seq = 1; seq <= 50; seq++) Send(seq);
        Close();
        foreach (string segment in Disk.ListFiles().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).ToList()) Disk.Delete(segment);
        Assert.Equal(IngestOutcome.Stored, Send(1));
    }

    [Fact]
    public async Task Gaps_MoreThanMemoryKeepsApart_TheLogDecides()
    {
        // Every other seq is missing: far more ranges than are kept.
        for (ulong seq = 1; seq <= 1_001; seq += 2) Assert.Equal(IngestOutcome.Stored, Send(seq));
        Log.FlushPending();
        for (ulong seq = 1; seq <= 1_001; seq += 2) Assert.Equal(IngestOutcome.Duplicate, Send(seq));
        for (ulong seq = 2; seq <= 1_000; seq += 2)
        {
            Assert.Equal(IngestOutcome.Stored, Send(seq));
            Log.FlushPending();
        }

        Assert.Equal(1_001, Stored().Distinct().Count());
        Assert.Equal(1_001, Stored().Count);
        await Service.WriteCheckpointAsync();
    }

    [Fact]
    public async Task Metrics_EveryScrape_ReceivedIsTheSumOfOutcomes()
    {
        long received = 0, outcomes = 0;
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "Telemetry.Ingest" && instrument.Meter.Scope == Service) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
        {
            if (instrument.Name == "telemetry.ingest.received") received += value;
            if (instrument.Name == "telemetry.ingest.batches") outcomes += value;
        });
        _ = Service;
        listener.Start();

        using CancellationTokenSource stop = new();
        IngestSession[] sessions = [Session("brand-1/1"), Session("brand-1/2"), Session("brand-1/3")];
        using SemaphoreSlim begun = new(0);
        Task[] senders = [.. sessions.Select(session => Task.Run(() =>
        {
            for (ulong seq = 1; !stop.IsCancellationRequested; seq++)
            {
                Submit(session, Batches.Seal(Epoch, (seq / 2) + 1));
                if (seq % 5 == 0) Submit(session, [1, 2, 3]);
                if (seq == 5) begun.Release();
            }
        }))];
        foreach (Task _ in senders) await begun.WaitAsync();
        for (int scrape = 0; scrape < 200; scrape++)
        {
            (received, outcomes) = (0, 0);
            listener.RecordObservableInstruments();
            Assert.Equal(received, outcomes);
        }

        await stop.CancelAsync();
        await Task.WhenAll(senders);
        Assert.True(Service.Counts is { Stored: > 0, Duplicate: > 0, DeadLettered: > 0 }, Service.Counts.ToString());
    }
}
