using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Telemetry.Scenarios.Model;

/// <summary>Reads and writes model files, and says what is wrong with one.</summary>
public static class ModelFile
{
    /// <summary>A model is a text people read: it stays small.</summary>
    public const int MaxBytes = 200 * 1024;

    private const string DefaultResource = "Telemetry.Scenarios.models.default.json";
    private static readonly Lazy<ScenarioModel> Shipped = new(ReadShipped);

    /// <summary>The model that comes with the collector.</summary>
    public static ScenarioModel Default => Shipped.Value;

    /// <summary>Reads a model from its JSON text.</summary>
    /// <exception cref="InvalidDataException">The text is not a sound model; the message names the place.</exception>
    public static ScenarioModel Read(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxBytes) throw new InvalidDataException($"The model has {json.Length} bytes; at most {MaxBytes} are allowed.");
        try
        {
            ScenarioModel model = JsonSerializer.Deserialize(json, ModelJson.Default.ScenarioModel)
                ?? throw new InvalidDataException("The model is null; an object is expected.");
            Check(model);
            return model;
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"The model is not understood at {fault.Path ?? "$"}, line {fault.LineNumber + 1}: {fault.Message}", fault);
        }
    }

    /// <summary>Writes a model as JSON text.</summary>
    public static byte[] Write(ScenarioModel model)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(model, ModelJson.Default.ScenarioModel);
        if (json.Length > MaxBytes) throw new InvalidDataException($"The model would have {json.Length} bytes; at most {MaxBytes} are allowed. Train fewer or smaller trees.");
        return json;
    }

    /// <summary>What tells a model from every other, also from one of the same version: the SHA-256 of its text without comments and spaces.</summary>
    public static byte[] Fingerprint(ScenarioModel model) => SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(model, ModelJson.Default.ScenarioModel));

    /// <summary>Checks what the types cannot say.</summary>
    /// <exception cref="InvalidDataException">Names the first fault.</exception>
    public static void Check(ScenarioModel model)
    {
        Require(model.Format == 1, $"format is {model.Format}; 1 is expected");
        Require(model.Scenarios.Count is >= 2 and <= 32, $"scenarios has {model.Scenarios.Count} entries; 2..32 are expected");
        Require(model.EmissionWeight is > 0 and <= 3, $"emissionWeight is {model.EmissionWeight}; more than 0 and at most 3 is expected");
        Require(model.EmissionFloor is > 0 and < 0.5, $"emissionFloor is {model.EmissionFloor}; more than 0 and less than 0.5 is expected");
        Require(model.Inputs.Count <= 256, $"inputs has {model.Inputs.Count} entries; at most 256 are expected");
        foreach (ScenarioShape shape in model.Scenarios)
        {
            Require(shape.Prior > 0, $"prior of {shape.Name} is {shape.Prior}; more than 0 is expected");
            Require(shape.MinMinutes is >= 1 and <= 8, $"minMinutes of {shape.Name} is {shape.MinMinutes}; 1..8 is expected");
            Require(shape.TypicalMinutes >= shape.MinMinutes, $"typicalMinutes of {shape.Name} is less than its minMinutes");
            Require(shape.Vote > 0, $"vote of {shape.Name} is {shape.Vote}; more than 0 is expected");
            if (shape.SeenBy?.FirstOrDefault(feature => model.Inputs.All(input => InputSource.Parse(input, []).Feature != feature)) is { } unread)
                Require(false, $"{shape.Name} is seen by {unread}, which no input reads");
        }

        foreach (BinnedTerm term in model.Terms) CheckTerm(model, term);
        for (int i = 0; i < model.Trees.Count; i++) CheckTree(model, model.Trees[i], i);
        float[][] cuts = InputRanks.CutsOf(model);
        for (int i = 0; i < cuts.Length; i++) Require(cuts[i].Length <= InputRanks.MostCuts, $"{model.Inputs[i]} is cut at {cuts[i].Length} values; at most {InputRanks.MostCuts} are expected");
        Require(model.Next is null || (model.Next.Count == model.Scenarios.Count && model.Next.All(row => row.Count == model.Scenarios.Count)),
            "next is not a square of the number of scenarios");
        if (model.Usual is { } usual)
        {
            Require(usual.Share.Count == model.Scenarios.Count && usual.Share.All(share => share is >= 0 and <= 1), "share of usual is not one number in 0..1 a scenario");
            Require(usual.Minutes is >= 1 and <= 10_080, $"minutes of usual is {usual.Minutes}; 1..10080 is expected");
            Require(usual.Weight is >= 0 and <= 1, $"weight of usual is {usual.Weight}; 0..1 is expected");
        }

        Require(model.Calibration.Probability.Count > 0 && model.Calibration.Probability.Count == model.Calibration.Confidence.Count,
            "calibration has not as many probabilities as confidences");
        Require(Rises(model.Calibration.Probability), "probabilities of calibration fall, or lie outside 0..1");
        Require(Rises(model.Calibration.Confidence), "confidences of calibration fall, or lie outside 0..1");
        Require(model.AbstainBelow is >= 0 and <= 1, $"abstainBelow is {model.AbstainBelow}; 0..1 is expected");
        Require(model.Calibration.People >= 0, $"people of calibration is {model.Calibration.People}; 0 or more is expected");
        Require(model.Calibration.Evidence is >= 0 and <= 1, $"evidence of calibration is {model.Calibration.Evidence}; 0..1 is expected");
    }

    private static void CheckTerm(ScenarioModel model, BinnedTerm term)
    {
        Require(model.Inputs.Contains(term.Input), $"a term reads {term.Input}, which is not among inputs");
        for (int i = 1; i < term.Edges.Count; i++) Require(term.Edges[i] > term.Edges[i - 1], $"edges of {term.Input} do not rise at {i}");
        foreach ((string scenario, IReadOnlyList<double> odds) in term.LogOdds)
        {
            Require(model.Scenarios.Any(shape => shape.Name == scenario), $"the term of {term.Input} names {scenario}, which is no scenario of the model");
            Require(odds.Count == term.Edges.Count + 1, $"{scenario} has {odds.Count} log-odds for {term.Input}; {term.Edges.Count + 1} are expected");
        }
    }

    private static void CheckTree(ScenarioModel model, SmallTree tree, int number)
    {
        int inner = tree.Inputs.Count;
        Require(inner is 1 or 3 or 7 or 15 or 31, $"tree {number} has {inner} inner nodes; 1, 3, 7, 15 or 31 are expected");
        Require(tree.Below.Count == inner && tree.MissingRight.Count == inner && tree.Leaves.Count == inner + 1, $"lists of tree {number} do not match");
        Require(tree.Scenario >= 0 && tree.Scenario < model.Scenarios.Count, $"tree {number} is for scenario {tree.Scenario}, which does not exist");
        Require(tree.Inputs.All(input => input >= -1 && input < model.Inputs.Count), $"tree {number} reads an input that does not exist");
    }

    private static bool Rises(IReadOnlyList<double> points) => points[0] >= 0 && points[^1] <= 1 && points.Zip(points.Skip(1)).All(pair => pair.First <= pair.Second);

    private static void Require(bool holds, string fault)
    {
        if (!holds) throw new InvalidDataException($"The model is unsound: {fault}.");
    }

    private static ScenarioModel ReadShipped()
    {
        using Stream stream = typeof(ModelFile).Assembly.GetManifestResourceStream(DefaultResource)
            ?? throw new InvalidOperationException("The shipped model is not in the assembly; the project file must embed models/default.json.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return Read(copy.ToArray());
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ScenarioModel))]
internal sealed partial class ModelJson : JsonSerializerContext;
