using System.Text;
using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Tests.Model;

public sealed class ModelFileTests
{
    [Fact]
    public void Default_IsSoundAndSmall()
    {
        ScenarioModel model = ModelFile.Default;
        ModelFile.Check(model);
        Assert.InRange(ModelFile.Write(model).Length, 1000, ModelFile.MaxBytes);
    }

    [Fact]
    public void Write_ReadAgain_IsTheSameText()
    {
        byte[] text = ModelFile.Write(ModelFile.Default);
        Assert.Equal(text, ModelFile.Write(ModelFile.Read(text)));
    }

    [Theory]
    [InlineData("\"minMinutes\": 8", "\"minMinutes\": 9", "minMinutes of sleep is 9")]
    [InlineData("\"format\": 1", "\"format\": 2", "format is 2")]
    [InlineData("\"emissionFloor\": 0.01", "\"emissionFloor\": 0", "emissionFloor is 0")]
    [InlineData("\"input\": \"heart_rate\"", "\"input\": \"heartrate\"", "a term reads heartrate")]
    [InlineData("\"emissionWeight\"", "\"emissionWait\"", "emissionWait")]
    [InlineData("\"confidence\": [", "\"evidence\": 1.5, \"confidence\": [", "evidence of calibration is 1.5")]
    [InlineData("\"confidence\": [0", "\"confidence\": [1.1", "confidences of calibration fall")]
    [InlineData("\"probability\": [0", "\"probability\": [-1", "probabilities of calibration fall")]
    public void Read_FaultInAModel_IsNamed(string sound, string faulty, string expected)
    {
        string text = Shipped();
        Assert.Contains(sound, text, StringComparison.Ordinal);
        byte[] json = Encoding.UTF8.GetBytes(text.Replace(sound, faulty, StringComparison.Ordinal));
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => ModelFile.Read(json));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calibration_BetweenPoints_IsAStraightLine()
    {
        Calibration line = new([0.2, 0.6], [0.1, 0.5]);
        Assert.Equal(0.1, line.Map(0), 6);
        Assert.Equal(0.3, line.Map(0.4), 6);
        Assert.Equal(0.5, line.Map(1), 6);
    }

    // The store keeps the fingerprint of the model that named its segments; keys that an older file does not have must not change it.
    [Fact]
    public void Write_ModelWithoutEvidenceOrUsual_IsWrittenWithoutThem()
    {
        string text = Encoding.UTF8.GetString(ModelFile.Write(ModelFile.Default));
        Assert.DoesNotContain("evidence", text, StringComparison.Ordinal);
        Assert.DoesNotContain("usual", text, StringComparison.Ordinal);

        ScenarioModel model = ModelFile.Default with { Calibration = ModelFile.Default.Calibration with { Evidence = 0.75 }, Usual = new UsualShares(1440, 0.5, Shares()) };
        ScenarioModel read = ModelFile.Read(ModelFile.Write(model));
        Assert.Equal((0.75, 1440, 0.5), (read.Calibration.Evidence, read.Usual!.Minutes, read.Usual.Weight));
        Assert.Equal(Shares(), read.Usual.Share);
        Assert.NotEqual(ModelFile.Fingerprint(ModelFile.Default), ModelFile.Fingerprint(model));
    }

    [Fact]
    public void Check_FaultInUsual_IsNamed()
    {
        Assert.Contains("share of usual", Fault(new UsualShares(1440, 0.5, [0.5])), StringComparison.Ordinal);
        Assert.Contains("minutes of usual is 0", Fault(new UsualShares(0, 0.5, Shares())), StringComparison.Ordinal);
        Assert.Contains("weight of usual is 2", Fault(new UsualShares(1440, 2, Shares())), StringComparison.Ordinal);

        static string Fault(UsualShares usual) => Assert.Throws<InvalidDataException>(() => ModelFile.Check(ModelFile.Default with { Usual = usual })).Message;
    }

    [Fact]
    public void Read_SeenByWhatNoInputReads_IsRefused()
    {
        ScenarioModel shipped = ModelFile.Default;
        ScenarioModel unsound = shipped with { Scenarios = [shipped.Scenarios[0] with { SeenBy = ["co2"] }, .. shipped.Scenarios.Skip(1)] };
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => ModelFile.Check(unsound));
        Assert.Contains("sleep is seen by co2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_InputCutTooFine_IsRefused()
    {
        ScenarioModel shipped = ModelFile.Default;
        double[] edges = [.. Enumerable.Range(0, 300).Select(i => (double)i)];
        BinnedTerm fine = new("motion", edges, new Dictionary<string, IReadOnlyList<double>>());
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => ModelFile.Check(shipped with { Terms = [.. shipped.Terms, fine] }));
        Assert.Contains("motion is cut at 303 values; at most 254 are expected", fault.Message, StringComparison.Ordinal);
    }

    private static double[] Shares() => [.. ModelFile.Default.Scenarios.Select(_ => 0.1)];

    private static string Shipped()
    {
        using Stream stream = typeof(ModelFile).Assembly.GetManifestResourceStream("Telemetry.Scenarios.models.default.json")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
