using System.Text;
using Telemetry.Wire.Profiles;

namespace Telemetry.Wire.Tests.Profiles;

public sealed class ProfileReaderTests
{
    private const string Band = """
        {
          "model": "band-2",
          "version": 3,
          "signals": [
            {"id": 2, "key": "steps", "unit": "1", "kind": "counter", "resolution": 1, "min": 0, "max": 400, "privacy": "activity", "periodMs": 60000},
            {"id": 1, "key": "heart_rate", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 20, "max": 250, "privacy": "health", "periodMs": 1000}
          ]
        }
        """;

    [Fact]
    public void Read_GoodProfile_ReturnsSignalsInOrderOfId()
    {
        ModelProfile profile = Good(Band);

        Assert.Equal(("band-2", 3), (profile.Model, profile.Version));
        Assert.Equal([1, 2], profile.Signals.Select(signal => signal.Id));
        Assert.Equal(new SignalDefinition(1, "heart_rate", "/min", SignalKind.Gauge, 1, 20, 250, PrivacyClass.Health, 1000), profile.Find(1));
        Assert.Null(profile.Find(3));
    }

    // SHA-256 of "band-2|3\n1|heart_rate|/min|gauge|1|20|250|health|1000\n2|steps|1|counter|1|0|400|activity|60000\n",
    // worked out with sha256sum: another implementation of the law must find the same four bytes.
    [Fact]
    public void Hash_OfKnownProfile_IsTheLawsValue() => Assert.Equal(0xe4f3fa13u, Good(Band).Hash);

    [Fact]
    public void Hash_OtherLayoutOfTheSameContent_IsTheSame()
    {
        string other = Band.Replace("\n", " ", StringComparison.Ordinal).Replace("\"min\": 20", "\"min\": 2.0e1", StringComparison.Ordinal);
        Assert.Equal(Good(Band).Hash, Good(other).Hash);
        Assert.NotEqual(Good(Band).Hash, Good(Band.Replace("250", "251", StringComparison.Ordinal)).Hash);
    }

    [Theory]
    [InlineData("\"id\": 2", "\"id\": 0", 5, "signals[0].id")]
    [InlineData("\"id\": 2", "\"id\": 65536", 5, "signals[0].id")]
    [InlineData("\"id\": 2", "\"id\": 1", 6, "signals[1].id")]
    [InlineData("\"steps\"", "\"heart_rate\"", 6, "signals[1].key")]
    [InlineData("\"steps\"", "\"Steps\"", 5, "signals[0].key")]
    [InlineData("\"unit\": \"1\"", "\"unit\": \"count\"", 5, "signals[0].unit")]
    [InlineData("\"counter\"", "\"counts\"", 5, "signals[0].kind")]
    [InlineData("\"resolution\": 1, \"min\": 0", "\"resolution\": 0, \"min\": 0", 5, "signals[0].resolution")]
    [InlineData("\"resolution\": 1, \"min\": 0", "\"min\": 0", 5, "signals[0].resolution")]
    [InlineData("\"min\": 20", "\"min\": 251", 6, "signals[1].min")]
    [InlineData("\"min\": 0", "\"min\": -1", 5, "signals[0].min")]
    [InlineData("\"max\": 400", "\"max\": 1e19", 5, "signals[0].max")]
    [InlineData("\"max\": 400", "\"max\": \"400\"", 5, "signals[0].max")]
    [InlineData("\"activity\"", "\"private\"", 5, "signals[0].privacy")]
    [InlineData("\"periodMs\": 60000", "\"periodMs\": -1", 5, "signals[0].periodMs")]
    [InlineData("\"periodMs\": 60000", "\"period\": 60000", 5, "signals[0]")]
    [InlineData("\"version\": 3", "\"version\": 0", 3, "version")]
    [InlineData("\"model\": \"band-2\"", "\"model\": \"Band 2\"", 2, "model")]
    [InlineData("\"version\": 3", "\"version\": 3, \"version\": 4", 3, "version")]
    [InlineData("\"version\": 3,", "", 1, "version")]
    public void Read_OneFault_NamesItsLineAndKey(string good, string bad, int line, string key)
    {
        ProfileReadResult result = ProfileReader.Read(Encoding.UTF8.GetBytes(Band.Replace(good, bad, StringComparison.Ordinal)));

        Assert.False(result.IsValid);
        ProfileFault fault = Assert.Single(result.Faults);
        // A missing key is told where its object ends or begins.
        Assert.Equal((key == "version" && line == 1 ? fault.Line : line, key), (fault.Line, fault.Key));
        Assert.NotEmpty(fault.Found);
        Assert.NotEmpty(fault.Expected);
    }

    [Fact]
    public void Read_ManyFaults_NamesEachInOrderOfTheText()
    {
        const string text = """
            {
              "modle": "band-2",
              "version": "3",
              "signals": [
                {"id": 1, "key": "heart_rate", "unit": "bpm", "kind": "gage", "resolution": -1, "min": 20, "max": 250, "privacy": "health"},
                7
              ]
            }
            """;
        ProfileReadResult result = ProfileReader.Read(Encoding.UTF8.GetBytes(text));

        Assert.Equal(
            ["2:", "3: version", "5: signals[0].unit", "5: signals[0].kind", "5: signals[0].resolution", "6: signals[1]", "8: model"],
            result.Faults.Select(fault => $"{fault.Line}: {fault.Key}".TrimEnd()));
        Assert.Contains("Did you mean \"model\"?", result.Faults[0].Advice, StringComparison.Ordinal);
        Assert.Contains("Write \"/min\".", result.Faults[2].Advice, StringComparison.Ordinal);
        Assert.Contains("Did you mean \"gauge\"?", result.Faults[3].Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("{\n  \"model\": \"a\",,\n}", 2, 16)]
    [InlineData("{\n  \"model\": \"a\"", 2, 15)]
    [InlineData("{\"model\": \"a\"} x", 1, 16)]
    public void Read_NoJson_NamesThePlace(string text, int line, int column)
    {
        ProfileFault fault = ProfileReader.Read(Encoding.UTF8.GetBytes(text)).Faults.Last(fault => fault.Expected.Contains("JSON", StringComparison.Ordinal));
        Assert.Equal((line, column), (fault.Line, fault.Column));
    }

    [Fact]
    public void Read_ColumnAfterNonAscii_CountsCharacters()
    {
        ProfileReadResult result = ProfileReader.Read("""{"é": 1, "version": 0}"""u8);
        Assert.Contains(result.Faults, fault => fault.Key == "version" && fault.Column == 21);
    }

    [Fact]
    public void Read_AboveTheByteLimit_IsOneFault()
    {
        byte[] text = Encoding.UTF8.GetBytes(Band + new string(' ', WireLimits.MaxProfileBytes));
        Assert.Contains("65536", Assert.Single(ProfileReader.Read(text).Faults).Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WireLimits.MaxSignals, true)]
    [InlineData(WireLimits.MaxSignals + 3, false)]
    public void Read_AtTheSignalLimit_IsGoodAndBeyondIsOneFault(int count, bool isGood)
    {
        IEnumerable<string> signals = Enumerable.Range(1, count).Select(id =>
            $$"""{"id":{{id}},"key":"k{{id}}","unit":"1","kind":"gauge","resolution":1,"min":0,"max":9,"privacy":"device"}""");
        ProfileReadResult result = ProfileReader.Read(Encoding.UTF8.GetBytes($$"""{"model":"m","version":1,"signals":[{{string.Join(',', signals)}}]}"""));

        Assert.Equal(isGood, result.IsValid);
        if (!isGood) Assert.Equal($"signals[{WireLimits.MaxSignals}]", Assert.Single(result.Faults).Key);
    }

    [Fact]
    public void Read_StandardKeyInAnotherUnit_IsNoted()
    {
        ProfileReadResult result = ProfileReader.Read(Encoding.UTF8.GetBytes(Band.Replace("\"/min\"", "\"Hz\"", StringComparison.Ordinal)));
        Assert.True(result.IsValid);
        Assert.Contains("/min", Assert.Single(result.Notes).Expected, StringComparison.Ordinal);
    }

    // A peer's bytes never crash the reader, wherever they break off or whichever bit of them turns.
    [Fact]
    public void Read_CutOrFlippedAnywhere_AnswersWithFaultsOrAProfile()
    {
        byte[] text = Encoding.UTF8.GetBytes(Band);
        for (int length = 0; length < text.Length; length++) Assert.False(ProfileReader.Read(text.AsSpan(0, length)).IsValid);
        for (int bit = 0; bit < text.Length * 8; bit++)
        {
            byte[] flipped = (byte[])text.Clone();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            ProfileReadResult result = ProfileReader.Read(flipped);
            Assert.Equal(result.IsValid, result.Faults.Count == 0);
        }
    }

    private static ModelProfile Good(string text)
    {
        ProfileReadResult result = ProfileReader.Read(Encoding.UTF8.GetBytes(text));
        Assert.Empty(result.Faults);
        return result.Profile!;
    }
}
