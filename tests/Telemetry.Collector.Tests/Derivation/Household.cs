using System.Buffers.Binary;
using Google.Protobuf;
using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;
using SignalKind = Telemetry.Wire.Profiles.SignalKind;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>A user with a wristband (device 1) and a room sensor (device 2), and the batches these seal: what the derivation sees of a collector.</summary>
internal class Household : IDeviceCatalog, IConsentingUsers
{
    public const uint Band = 1, Room = 2, Profile = 7;

    /// <summary>2026-11-02 00:00 UTC.</summary>
    public const long MidnightMs = 20_759L * 86_400_000;

    /// <summary>Signals of the profile.</summary>
    public const int HeartRate = 1, Steps = 2;

    private const int Motion = 3, Bed = 4, AnswerEvent = 5;
    private const int BatchMinutes = 10;

    private static readonly ModelProfile s_profile = new("band-2", 1, Profile,
    [
        new(HeartRate, "heart_rate", "/min", SignalKind.Gauge, 1, 20, 250, PrivacyClass.Health, 10_000),
        new(Steps, "steps", "1", SignalKind.Counter, 1, 0, 400, PrivacyClass.Activity, 10_000),
        new(Motion, "motion", "1", SignalKind.Gauge, 1, 0, 5000, PrivacyClass.Activity, 10_000),
        new(Bed, "bed", "1", SignalKind.State, 1, 0, 1, PrivacyClass.Activity, 60_000),
        new(AnswerEvent, "answer", "1", SignalKind.Event, 1, 0, 3, PrivacyClass.Activity, 0),
    ]);

    /// <summary>The user of both devices.</summary>
    public UserKey User { get; } = UserKey.Parse("u1");

    /// <summary>When the user consents; default always.</summary>
    public (long FromMs, long ToMs) Consent { get; set; } = (0, long.MaxValue);

    public DeviceDescription? FindDevice(uint deviceKey) => new(deviceKey, 1, "acme", $"d{deviceKey}", "band-2");

    public ModelProfile? FindProfile(uint deviceKey, uint profileHash) => profileHash == Profile ? s_profile : null;

    /// <summary>Asked once a batch, where a step has begun to write; a test that wants a step to end there overrides it.</summary>
    public virtual IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey) => deviceKey is Band or Room ? [new ConsentedRange(User, Consent.FromMs, Consent.ToMs, 0)] : [];

    public int? UtcOffsetOf(UserKey user) => user == User ? 0 : null;

    /// <summary>What the user said, in the order said; <see cref="Say"/> adds to it.</summary>
    public List<Answer> Answers { get; init; } = [];

    public long AnswersVersion => Answers.Count;

    public event Action? Answered;

    public void Say(Answer answer)
    {
        Answers.Add(answer);
        Answered?.Invoke();
    }

    public IReadOnlyList<(UserKey User, int FromMinute)> AnsweredSince(long version) =>
        version >= Answers.Count ? [] : [(User, Answers.Skip((int)version).Min(answer => answer.FromMinute))];

    public PersonalAnswers AnswersOf(UserKey user, BoundModel model) => new(model, [.. Answers]);

    public void TakeAnswer(uint deviceKey, int choice, long unixMs) => throw new NotSupportedException("No device of the household can answer.");

    /// <summary>Appends batches and waits until they are durable. A batch arrives when it was sealed: the end of its ten minutes, as its uptime says.</summary>
    public static async Task AppendAsync(BlockLog log, IEnumerable<(uint Device, byte[] Bytes)> batches)
    {
        long last = 0;
        foreach ((uint device, byte[] bytes) in batches)
            Assert.True(log.TryAppend(LogRecordKind.Batch, 0, device, MidnightMs + (long)Batch.Parser.ParseFrom(bytes).Clock.UptimeMs, bytes, out last));
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        Assert.True(await log.WaitDurableAsync(last, limit.Token));
    }

    /// <summary>What is derived of batches in a log of their own.</summary>
    /// <param name="folder">For the log and the store.</param>
    /// <param name="name">Of this store in the folder.</param>
    /// <param name="batches">In the order of arrival.</param>
    /// <param name="users">Whose devices they are; null = the household's.</param>
    public async Task<InsightsStore> DeriveAsync(TempFolder folder, string name, IEnumerable<(uint Device, byte[] Bytes)> batches, IConsentingUsers? users = null)
    {
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder[$"log-{name}"], SegmentBytes = 1 << 20 });
        await AppendAsync(log, batches);
        InsightsStore store = InsightsStore.Open(folder[$"{name}.db"]);
        using ScenarioConsumer consumer = new(log, this, users ?? this, store);
        while (consumer.Step())
        {
        }

        Assert.Equal(log.DurablePosition, consumer.Position);
        return store;
    }

    /// <summary>The batches of both devices over a number of hours from midnight on: a night, a morning, a walk and a run, again and again.</summary>
    public static List<(uint Device, byte[] Bytes)> Batches(int seed, int hours)
    {
        List<(uint, byte[])> batches = [];
        Random random = new(seed);
        for (int first = 0; first < hours * 60; first += BatchMinutes)
        {
            ulong seq = (ulong)(first / BatchMinutes) + 1;
            batches.Add((Band, Sealed(BandBlock(first, random), seq, boot: 1, uptimeMs: (first + BatchMinutes) * 60_000L, isSet: true)));
            batches.Add((Room, Sealed(RoomBlock(first), seq, boot: 1, uptimeMs: (first + BatchMinutes) * 60_000L, isSet: true)));
        }

        return batches;
    }

    /// <summary>A band batch of ten minutes whose clock may not be set, of somebody who does everything so many minutes earlier.</summary>
    public static byte[] BandBatch(int firstMinute, ulong seq, uint boot, bool isSet, int earlierMinutes = 0) =>
        Sealed(BandBlock(firstMinute, new Random(firstMinute), earlierMinutes), seq, boot, (firstMinute + BatchMinutes) * 60_000L, isSet);

    /// <summary>A band batch that holds one press of a button: the choice of an answer.</summary>
    public static byte[] AnswerBatch(long unixMs, ulong seq, int choice)
    {
        PlainBlock block = new() { StartUptimeMs = (ulong)(unixMs - MidnightMs), PeriodMs = 1000, Rows = 1 };
        block.Columns.Add(Column(AnswerEvent, [choice]));
        return Sealed(block, seq, boot: 1, unixMs - MidnightMs, isSet: true);
    }

    /// <summary>Seals a block. Uptime is ms since midnight of the first day, so placing is easy to follow.</summary>
    public static byte[] Sealed(PlainBlock block, ulong seq, uint boot, long uptimeMs, bool isSet)
    {
        Batch batch = new()
        {
            Epoch = 99,
            Seq = seq,
            Boot = boot,
            Profile = Profile,
            Clock = new Clock { WallUnixMs = isSet ? (ulong)(MidnightMs + uptimeMs) : 0, UptimeMs = (ulong)uptimeMs, ErrorMs = 50, Source = isSet ? ClockSource.Ntp : ClockSource.None },
        };
        batch.PlainBlocks.Add(block);
        byte[] message = batch.ToByteArray();
        byte[] bytes = new byte[message.Length + 5];
        message.CopyTo(bytes, 0);
        bytes[message.Length] = 15 << 3 | 5; // crc32c = 15, fixed32
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(message.Length + 1), Crc32C.Compute(message));
        return bytes;
    }

    private static PlainBlock BandBlock(int firstMinute, Random random, int earlierMinutes = 0)
    {
        const int Rows = BatchMinutes * 6;
        long[] heart = new long[Rows], steps = new long[Rows], motion = new long[Rows];
        for (int row = 0; row < Rows; row++)
        {
            (int beats, int pace, int counts) = Doing(firstMinute + (row / 6) + earlierMinutes);
            heart[row] = beats + random.Next(-3, 4);
            steps[row] = pace / 6;
            motion[row] = Math.Max(0, counts + random.Next(-2, 3));
        }

        PlainBlock block = new() { StartUptimeMs = (ulong)(firstMinute * 60_000L), PeriodMs = 10_000, Rows = Rows };
        block.Columns.Add(Column(HeartRate, heart));
        block.Columns.Add(Column(Steps, steps));
        block.Columns.Add(Column(Motion, motion));
        return block;
    }

    private static PlainBlock RoomBlock(int firstMinute)
    {
        PlainBlock block = new() { StartUptimeMs = (ulong)(firstMinute * 60_000L), PeriodMs = 60_000, Rows = BatchMinutes };
        block.Columns.Add(Column(Bed, [.. Enumerable.Range(firstMinute, BatchMinutes).Select(minute => minute % 1440 < 420 ? 1L : 0L)]));
        return block;
    }

    private static (int Heart, int Steps, int Motion) Doing(int minute) => (minute % 1440) switch
    {
        < 420 => (54, 0, 2),
        var m when m % 180 < 25 => (100, 108, 400),
        var m when m % 180 < 45 => (160, 162, 950),
        _ => (68, 0, 60),
    };

    /// <summary>A column of a plain block.</summary>
    public static PlainColumn Column(int signal, long[] values)
    {
        PlainColumn column = new() { Signal = (uint)signal };
        long before = 0;
        foreach (long value in values)
        {
            column.Deltas.Add(value - before);
            before = value;
        }

        return column;
    }
}
