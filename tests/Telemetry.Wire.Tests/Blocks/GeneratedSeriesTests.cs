using FsCheck;
using FsCheck.Fluent;
using Telemetry.Device.Sampling;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>Round trips of generated series. A failure prints FsCheck's seed; <c>tools/bench codec-roundtrip</c> runs ten million.</summary>
public sealed class GeneratedSeriesTests
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Fact]
    public void Integers_AnyValues_ComeBackEqual() =>
        Prop.ForAll<int[]>(values => ComesBack(BlockEncoder.KindInteger, [.. values.Select(value => (long)value)])).Check(s_config);

    [Fact]
    public void Integers_SmallSteps_ComeBackEqual() =>
        Prop.ForAll<sbyte[]>(steps =>
        {
            long value = 0;
            return ComesBack(BlockEncoder.KindInteger, [.. steps.Select(step => value += Math.Abs((int)step) < 64 ? step / 16 : step)]);
        }).Check(s_config);

    [Fact]
    public void Integers_AnyValuesWrittenAboutALevel_ComeBackEqual() =>
        Prop.ForAll<int[]>(values => ComesBack(BlockEncoder.KindInteger, [.. LevelColumnTests.Noise(LevelColumnTests.Lesson), .. values.Select(value => (long)value)], LevelColumnTests.Lesson)).Check(s_config);

    [Fact]
    public void Wide_AnyValues_ComeBackEqual() => Prop.ForAll<long[]>(values => ComesBack(BlockEncoder.KindWide, values)).Check(s_config);

    [Fact]
    public void Reals_AnyValues_KeepEveryBit() =>
        Prop.ForAll<double[]>(values => ComesBack(BlockEncoder.KindReal, [.. values.Select(BitConverter.DoubleToInt64Bits)])).Check(s_config);

    [Fact]
    public void Times_AnySteps_ComeBackEqual() =>
        Prop.ForAll<uint[], bool>((steps, inSeconds) =>
        {
            if (steps.Length == 0) return true;
            long time = 0;
            long[] times = [.. steps.Select(step => time += inSeconds ? step % 1_000_000 * 1000L : step)];
            Series series = new(times, [.. steps.Select(step => (byte)(step & 7))], [5], [BlockEncoder.KindInteger], [[.. steps.Select(step => (long)(step % 3))]]);
            series.AssertEqualTo(series.Pack());
            return true;
        }).Check(s_config);

    private static bool ComesBack(byte kind, long[] values, int maxRows = BlockEncoder.MaxRows)
    {
        if (values.Length == 0) return true; // no rows, no block
        Series series = Series.OfIntegers(values) with { Kinds = [kind] };
        series.AssertEqualTo(series.Pack(maxRows));
        return true;
    }
}
