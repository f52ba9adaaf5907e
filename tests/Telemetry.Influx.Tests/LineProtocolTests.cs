using System.Globalization;
using System.Text;
using Telemetry.Influx.LineProtocol;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.Tests;

/// <summary>Numbers and names as line protocol wants them.</summary>
public sealed class LineProtocolTests
{
    [Theory]
    [InlineData(0.1, 7, "0.7")]
    [InlineData(0.1, 3, "0.3")]
    [InlineData(0.01, 3675, "36.75")]
    [InlineData(0.01, -5, "-0.05")]
    [InlineData(0.01, 3600, "36")]
    [InlineData(0.5, 3, "1.5")]
    [InlineData(0.25, -1, "-0.25")]
    [InlineData(1, 0, "0")]
    [InlineData(1, long.MaxValue, "9223372036854775807")]
    [InlineData(10, 25, "250")]
    [InlineData(1e-9, 1, "0.000000001")]
    [InlineData(0.0009765625, 1, "0.0009765625")]
    public void Decimal_IsExact(double resolution, long scaled, string expected) => Assert.Equal(expected, Write(resolution, scaled));

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.3)]
    [InlineData(2.5)]
    [InlineData(0.001)]
    [InlineData(3.3333333333333335e-17)]
    [InlineData(1e20)]
    public void Decimal_AnyValue_ReadsBackWithinOneUlpOfTheProduct(double resolution)
    {
        Random random = new(11);
        for (int i = 0; i < 5_000; i++)
        {
            long scaled = random.NextInt64(-(1L << random.Next(1, 53)), 1L << random.Next(1, 53));
            double read = double.Parse(Write(resolution, scaled), CultureInfo.InvariantCulture);
            double product = scaled * resolution;
            Assert.InRange(read, Math.BitDecrement(product), Math.BitIncrement(product));
        }
    }

    // What a question for samples answers and what InfluxDB holds is the same number.
    [Fact]
    public void Decimal_OfAnyResolution_ReadsBackAsTheSampleReadsFromTheLog()
    {
        Random random = new(12);
        for (int i = 0; i < 20_000; i++)
        {
            double resolution = i % 4 == 0 ? 1.0 / random.Next(1, 2000) : random.Next(1, 100_000) / Math.Pow(10, random.Next(0, 9));
            SignalDefinition signal = new(1, "a", "1", SignalKind.Gauge, resolution, 0, 1, PrivacyClass.Device, 0);
            long most = (1L << 53) / (DecimalResolution.Of(resolution)?.Mantissa ?? 1), scaled = random.NextInt64(-most, most + 1);
            Assert.Equal(signal.ToUnit(scaled), double.Parse(Write(resolution, scaled), CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public void Decimal_ProductOver63Bits_FallsBackToADouble()
    {
        Assert.Equal(long.MaxValue * 0.3, double.Parse(Write(0.3, long.MaxValue), CultureInfo.InvariantCulture));
        Assert.Equal((double)long.MinValue, double.Parse(Write(1, long.MinValue), CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("plain", "plain", "plain")]
    [InlineData("a,b c=d", @"a\,b\ c=d", @"a\,b\ c\=d")]
    [InlineData("naïve \u2603", "naïve\\ \u2603", "naïve\\ \u2603")]
    [InlineData("a\nb\tc", "a_b_c", "a_b_c")]
    [InlineData(@"a\", "a_", "a_")]
    [InlineData(@"a\,b", @"a_\,b", @"a_\,b")]
    [InlineData(@"a\b", @"a\b", @"a\b")]
    [InlineData("\"q\"", "\"q\"", "\"q\"")]
    public void Names_AreEscaped(string name, string measurement, string key)
    {
        StringBuilder line = new();
        LineWriter.AppendMeasurement(line, name);
        Assert.Equal(measurement, line.ToString());
        line.Clear();
        LineWriter.AppendKey(line, name);
        Assert.Equal(key, line.ToString());
    }

    [Fact]
    public void LineBatch_SplitBetweenLines_GivesThemBack()
    {
        LineBatch batch = new(maxLines: 10, maxBytes: 1000);
        foreach (string line in new[] { "a 1", "bb 22", "ccc 333" }) batch.AddLine(Encoding.UTF8.GetBytes(line));
        Assert.Equal("a 1\nbb 22\n", Encoding.UTF8.GetString(batch.Lines(0, 2).Span));
        Assert.Equal("ccc 333\n", Encoding.UTF8.GetString(batch.Lines(2, 1).Span));
        Assert.Equal(7, batch.Room);
        batch.AddLine(new byte[1000]);
        Assert.Equal(0, batch.Room);
    }

    private static string Write(double resolution, long scaled)
    {
        byte[] text = new byte[LineWriter.MaxNumberBytes];
        return Encoding.UTF8.GetString(text, 0, DecimalScale.Of(resolution).Write(text, scaled));
    }
}
