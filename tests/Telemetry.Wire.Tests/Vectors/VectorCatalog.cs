using Google.Protobuf;
using Telemetry.Wire.Tests.Blocks;
using Telemetry.Wire.V1;

namespace Telemetry.Wire.Tests.Vectors;

/// <summary>One golden file: proto/vectors/<see cref="Name"/>.bin.</summary>
internal sealed record Vector(string Name, string Type, byte[] Bytes)
{
    public string File => Name + ".bin";
}

/// <summary>How the golden files were made. They are frozen: a change here that changes one is a change of the contract.</summary>
internal static class VectorCatalog
{
    /// <summary>Begins the name of a good block that another writer could send and ours would not.</summary>
    public const string ForeignPrefix = "block-foreign-";

    public static IReadOnlyList<Vector> All { get; } = [.. Blocks(), .. Plains(), .. Batches(), .. BadBlocks(), .. BadBatches(), .. LevelBlocks()];

    private static IEnumerable<Vector> Blocks()
    {
        Random random = new(20261122);
        yield return Block("block-one-row", Series.OfIntegers(72));
        yield return Block("block-constant", Series.OfIntegers([.. Enumerable.Repeat(36L, 200)]));
        yield return Block("block-ramp", Series.OfIntegers([.. Enumerable.Range(-20, 60).Select(i => (long)i)]));
        yield return Block("block-alternating", Series.OfIntegers([.. Enumerable.Range(0, 60).Select(i => 84L - (i & 1))]));
        yield return Block("block-swaps", Series.OfIntegers([.. Enumerable.Range(0, 90).Select(i => i / 7 % 2 == 0 ? 0L : 60 + (i / 30 * 3))]));
        long walk = 70;
        yield return Block("block-heart-rate", Series.OfIntegers([.. Enumerable.Range(0, 120).Select(_ => walk += random.Next(-1, 2) * random.Next(2))]));
        yield return Block("block-all-ranges", Series.OfIntegers([.. Enumerable.Range(0, 120).Select(i => i % 3 == 0 ? (1L << (i % 17)) * (i % 2 == 0 ? 1 : -1) : 3)]));
        yield return Block("block-noise", Series.OfIntegers([.. Enumerable.Range(0, 80).Select(_ => (long)random.Next(-3000, 3000))]));
        yield return Block("block-int32-extremes", Series.OfIntegers(int.MinValue, int.MaxValue, 0, -1, int.MaxValue, int.MaxValue, int.MinValue, 16, -16));
        yield return Block("block-wide", Series.OfIntegers(long.MinValue, long.MaxValue, 0, 1L << 40, 0, 1L << 40, -1, -1, 5) with { Kinds = [1] });
        double[] reals = [36.6, 36.6, 36.7, 0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue, 36.6];
        yield return Block("block-reals", Series.OfIntegers([.. reals.Select(BitConverter.DoubleToInt64Bits)]) with { Kinds = [2] });

        Series plain = Series.OfIntegers([.. Enumerable.Range(0, 40).Select(i => (long)(i * i % 11))]);
        yield return Block("block-irregular-seconds", plain with { TimesMs = Times(40, i => i % 9 == 8 ? 15_000 : i % 4 == 3 ? 10_000 : 5000) });
        yield return Block("block-irregular-ms", plain with { TimesMs = Times(40, i => 1001 + (i % 5 * 7)) });
        yield return Block("block-gap", plain with { TimesMs = Times(40, i => i == 20 ? 86_400_000 : 1000) });
        yield return Block("block-quality-constant", plain with { Quality = [.. Enumerable.Repeat((byte)1, 40)] });
        yield return Block("block-quality-changes", plain with { Quality = [.. Enumerable.Range(0, 40).Select(i => (byte)(i < 10 ? 0 : i < 30 ? 5 : i % 8))] });
        yield return Block("block-descriptors", plain with
        {
            Signals = [2, 40, 41, 65_535],
            Kinds = [0, 1, 2, 0],
            Columns = [plain.Columns[0], plain.Columns[0], plain.Columns[0], new long[40]],
        });
        yield return Block("block-64-columns", new Series(
            [10, 20, 30], new byte[3], [.. Enumerable.Range(1, 64)], new byte[64], [.. Enumerable.Range(0, 64).Select(i => new long[] { i, i + 1, i })]));

        // Foreign: kind 1, 5, then rising by 2^63 + 5, which wraps, then by 1 with the sign of that.
        yield return new Vector(
            ForeignPrefix + "far-wraps", "block", [0x81, 0x03, 0x01, 0x00, 0x00, 0x01, 0x15, 0xFE, 0xFD, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02]);
        yield return Block("block-4096-rows", Series.OfIntegers([.. Enumerable.Range(0, 4096).Select(i => (long)(i / 500))]));
    }

    // Their last blocks, because a first one is never written about a level.
    private static IEnumerable<Vector> LevelBlocks()
    {
        Random random = new(20261123);
        Series noise = Series.OfIntegers([.. Enumerable.Range(0, 400).Select(_ => (long)random.Next(980, 1021))]);
        yield return new Vector("block-level", "block", noise.Pack(maxRows: 200)[^1]);
        long[] spikes = [.. noise.Columns[0]];
        (spikes[230], spikes[260], spikes[261]) = (int.MaxValue, int.MinValue, -5000);
        yield return new Vector("block-level-far", "block", (noise with { Columns = [spikes] }).Pack(maxRows: 200)[^1]);
        yield return new Vector("block-level-one-row", "block", Series.OfIntegers(noise.Columns[0][..201]).Pack(maxRows: 200)[^1]);
        yield return new Vector("block-level-among-others", "block", (noise with
        {
            Signals = [2, 3, 9],
            Kinds = [0, 0, 2],
            Columns = [[.. Enumerable.Range(0, 400).Select(i => (long)(i / 30))], noise.Columns[0], new long[400]],
        }).Pack(maxRows: 200)[^1]);

        // Foreign: 0, then falling by 2^31, which wraps level and value; and the version of levels without one.
        yield return new Vector(
            ForeignPrefix + "level-wraps", "block", [0x83, 0x03, 0x01, 0x00, 0x00, 0x03, 0x01, 0x00, 0xFC, 0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00]);
        yield return new Vector(ForeignPrefix + "version-3-no-level", "block", [0x03, 0x01, 0x01, 0x00, 0x00, 0x01, 0x01]);
        yield return Bad("bad-block-level-in-version-1", [0x81, 0x01, 0x01, 0x00, 0x00, 0x03, 0x01]);
        yield return Bad("bad-block-level-eleven-zeros", [0x83, 0x02, 0x01, 0x00, 0x00, 0x03, 0x01, 0x00, 0x08, 0x00, 0x00]);
        yield return Bad("bad-block-level-far-too-long", [0x83, 0x02, 0x01, 0x00, 0x00, 0x03, 0x01, 0x00, 0x0C, 0x02, 0x00, 0x00, 0x00, 0x00]);
        yield return Bad("bad-block-level-first-beyond-32-bits", [0x83, 0x01, 0x01, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00]);
        yield return Bad("bad-block-level-byte-too-many", [0x83, 0x01, 0x01, 0x00, 0x00, 0x03, 0x01, 0x00]);
    }

    private static IEnumerable<Vector> Plains()
    {
        PlainBlock regular = new() { StartUptimeMs = 1000, PeriodMs = 1000, Rows = 3, Columns = { new PlainColumn { Signal = 2, Deltas = { 70, 1, -3 } } } };
        yield return new Vector("plain-regular", "plain", regular.ToByteArray());
        PlainBlock irregular = new()
        {
            StartUptimeMs = 7, TimeDeltasMs = { 5, 0 }, Rows = 3, Quality = ByteString.CopyFrom(1, 1, 7),
            Columns = { new PlainColumn { Signal = 1, Deltas = { long.MinValue, -1, 1 } }, new PlainColumn { Signal = 9, Reals = { 1.5, double.NaN, -2 } } },
        };
        yield return new Vector("plain-irregular", "plain", irregular.ToByteArray());
        irregular.Quality = ByteString.CopyFrom(1, 1, 8);
        yield return new Vector("bad-plain-quality", "plain", irregular.ToByteArray());
        regular.Rows = 4;
        yield return new Vector("bad-plain-too-few-values", "plain", regular.ToByteArray());
        regular.Rows = 4097;
        yield return new Vector("bad-plain-too-many-rows", "plain", regular.ToByteArray());
    }

    private static IEnumerable<Vector> Batches()
    {
        yield return new Vector("batch-empty", "batch", Seal(Batch()));
        yield return new Vector("batch-full", "batch", Seal(FullBatch()));
        yield return new Vector("batch-unknown-fields", "batch", Reseal([.. Body(FullBatch()), 0x48, 0x05, 0x52, 0x02, 0xAA, 0xBB, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x75, 1, 2, 3, 4]));
        Batch unset = Batch();
        unset.Clock = new Clock { UptimeMs = 5000, ErrorMs = uint.MaxValue };
        yield return new Vector("batch-clock-never-set", "batch", Seal(unset));
    }

    private static IEnumerable<Vector> BadBlocks()
    {
        byte[] good = Series.OfIntegers(70, 71, 70, 72).Pack()[0];
        yield return Bad("bad-block-version-2", Changed(good, 0, (byte)((good[0] & ~7) | 2)));
        yield return Bad("bad-block-no-rows", Changed(good, 1, 0));
        yield return Bad("bad-block-too-many-rows", [good[0], 0x81, 0x20, .. good[2..]]);
        yield return Bad("bad-block-no-columns", Changed(good, 2, 0));
        yield return Bad("bad-block-65-columns", Changed(good, 2, 65));
        yield return Bad("bad-block-more-rows-than-coded", Changed(good, 1, 100));
        yield return Bad("bad-block-byte-too-many", [.. good, 0]);
        yield return Bad("bad-block-cut", good[..^1]);
        yield return Bad("bad-block-padding-not-zero", Changed(good, good.Length - 1, (byte)(good[^1] | 0x80)));
        yield return Bad("bad-block-near-swap-cut", [0x81, 0x0C, 0x01, 0x00, 0x00, 0x01, 0xB9, 0x03, 0x99, 0x26]);
        yield return Bad("bad-block-kind-3", [0x81, 0x01, 0x01, 0x00, 0x00, 0x03, 0x01]);
        yield return Bad("bad-block-signal-0", [0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x01]);
        yield return Bad("bad-block-start-too-late", [0x01, 0x01, 0x01, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00, 0x01, 0x01]);
        yield return Bad("bad-block-column-beyond-end", [0x01, 0x01, 0x02, 0x00, 0x00, 0x01, 0x7F, 0x01, 0x01]);
        yield return Bad("bad-block-quality-reserved-bits", [0x11, 0x01, 0x01, 0x00, 0x00, 0x10, 0x01, 0x01]);
    }

    private static IEnumerable<Vector> BadBatches()
    {
        byte[] good = Seal(FullBatch());
        byte[] body = good[..^5];
        yield return new Vector("bad-batch-empty", "batch", []);
        yield return new Vector("bad-batch-cut", "batch", good[..^3]);
        yield return new Vector("bad-batch-flipped", "batch", Changed(good, 12, (byte)(good[12] ^ 4)));
        yield return new Vector("bad-batch-order", "batch", Reseal([.. body[5..], .. body[..5]]));
        yield return new Vector("bad-batch-epoch-twice", "batch", Reseal([.. body[..5], .. body]));
        yield return new Vector("bad-batch-group", "batch", Reseal([.. body, 0x4B, 0x4C]));
        yield return new Vector("bad-batch-field-16", "batch", Reseal([.. body, 0x80, 0x01, 0x01]));
        Batch batch = FullBatch();
        batch.Clock = null;
        yield return new Vector("bad-batch-no-clock", "batch", Seal(batch));
        batch = FullBatch();
        batch.Epoch = 0;
        yield return new Vector("bad-batch-epoch-0", "batch", Seal(batch));
        batch = FullBatch();
        batch.Clock.UptimeMs = (1UL << 48) + 1;
        yield return new Vector("bad-batch-uptime-too-large", "batch", Seal(batch));
        batch = FullBatch();
        for (int i = 0; i < WireLimits.MaxLosses; i++) batch.Losses.Add(new Loss { Signal = 1, Reason = LossReason.RingFull, Count = 1 });
        yield return new Vector("bad-batch-257-losses", "batch", Seal(batch));
        batch = FullBatch();
        batch.Blocks.Add(ByteString.CopyFrom(2, 1, 1));
        yield return new Vector("bad-batch-block-of-later-version", "batch", Seal(batch));
    }

    private static Batch Batch() => new()
    {
        Epoch = 0xE90C4001, Seq = 1, Boot = 1, Profile = 0xABCD1234,
        Clock = new Clock { WallUnixMs = 1_795_305_600_000, UptimeMs = 123_456, ErrorMs = 20, Source = ClockSource.Ntp },
    };

    private static Batch FullBatch()
    {
        Batch batch = Batch();
        batch.Seq = 1UL << 40;
        batch.Losses.Add(new Loss { Signal = 1, Reason = LossReason.RingFull, Count = 5 });
        batch.Losses.Add(new Loss { Reason = LossReason.SpoolEvicted, Count = 1UL << 33 });
        batch.Blocks.Add(ByteString.CopyFrom(Series.OfIntegers(70, 71, 71, 72).Pack()[0]));
        batch.Blocks.Add(ByteString.CopyFrom(Series.OfIntegers(0, 60, 0, 60, 0).Pack()[0]));
        batch.PlainBlocks.Add(new PlainBlock { StartUptimeMs = 9, Rows = 1, Columns = { new PlainColumn { Signal = 3, Deltas = { -5 } } } });
        return batch;
    }

    private static Vector Block(string name, Series series) => new(name, "block", Assert.Single(series.Pack()));

    private static Vector Bad(string name, byte[] bytes) => new(name, "block", bytes);

    private static long[] Times(int rows, Func<int, int> step)
    {
        long time = 86_399_123;
        return [.. Enumerable.Range(0, rows).Select(i => time += i == 0 ? 0 : step(i))];
    }

    private static byte[] Changed(byte[] bytes, int index, byte value)
    {
        byte[] changed = [.. bytes];
        changed[index] = value;
        return changed;
    }

    private static byte[] Body(Batch batch)
    {
        batch.Crc32C = 0;
        return batch.ToByteArray();
    }

    private static byte[] Seal(Batch batch) => Reseal(Body(batch));

    private static byte[] Reseal(byte[] body) => [.. body, 0x7D, .. BitConverter.GetBytes(Crc32C.Compute(body))];
}
