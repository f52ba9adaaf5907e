using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Telemetry.Scenarios.Composites;

/// <summary>Reads composites from the YAML an analyst edits (models/composites.yaml shows every key), and says what is wrong with it by line.</summary>
public static class CompositeFile
{
    /// <summary>Steps a composite may have.</summary>
    public const int MaxSteps = 8;

    private const int MaxComposites = 64;
    private const int MaxBytes = 64 * 1024;
    private const int MaxMinutes = 7 * 1440;
    private const string DefaultResource = "Telemetry.Scenarios.models.composites.yaml";
    private static readonly string[] PlaceNames = ["home", "work", "other"]; // classes 1, 2, 3
    private static readonly string[] DayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    private static readonly Lazy<IReadOnlyList<Composite>> Shipped = new(ReadShipped);

    /// <summary>The composites that come with the collector.</summary>
    public static IReadOnlyList<Composite> Default => Shipped.Value;

    /// <summary>Reads a file's text.</summary>
    /// <exception cref="InvalidDataException">The message names the line, what was found and what is expected.</exception>
    public static IReadOnlyList<Composite> Read(string yaml)
    {
        if (yaml.Length > MaxBytes) throw new InvalidDataException($"The composites have {yaml.Length} characters; at most {MaxBytes} are allowed.");
        YamlStream stream = [];
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException fault)
        {
            throw new InvalidDataException($"Line {fault.Start.Line}: no YAML: {fault.Message}", fault);
        }

        if (stream.Documents.Count == 0) throw new InvalidDataException("Line 1: the file is empty; 'composites:' is expected.");
        Keys root = new(stream.Documents[0].RootNode, "composites");
        List<Composite> composites = [.. root.List("composites", MaxComposites).Select(ReadComposite)];
        foreach (IGrouping<string, Composite> same in composites.GroupBy(composite => composite.Name).Where(group => group.Count() > 1))
            throw new InvalidDataException($"Two composites are called {same.Key}.");
        return composites;
    }

    /// <summary>32 bytes as hexadecimal digits that are the same for the same patterns, however the file is written.</summary>
    public static string Fingerprint(IEnumerable<Composite> composites) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(composites)));

    private static Composite ReadComposite(YamlNode node)
    {
        Keys keys = new(node, "name", "steps", "gap", "minutes", "starts", "days");
        string name = keys.Text("name") ?? throw At(node, "a composite has no 'name'");
        if (ScenarioNames.Common.Contains(name)) throw At(node, $"name '{name}' is a scenario's; choose another");
        CompositeStep[] steps = [.. keys.List("steps", MaxSteps).Select(ReadStep)];
        if (steps.All(step => step.IsOutside)) throw At(node, $"every step of {name} is outside; at least one must be a part of it");
        DayOfWeek[] days = [.. keys.Words("days", DayNames).Select(day => (DayOfWeek)day)];
        return new Composite(name, steps, keys.Number("gap", 0, 0, 240), keys.Minutes("minutes"), keys.Times("starts"), days);
    }

    private static CompositeStep ReadStep(YamlNode node)
    {
        Keys keys = new(node, "scenario", "place", "device", "minutes", "outside");
        string? device = keys.Text("device");
        if (device is not null && !device.Contains('/', StringComparison.Ordinal)) throw At(node, $"device is '{device}'; brand/model is expected, with * for anything");
        return new CompositeStep(
            keys.Names("scenario"), [.. keys.Words("place", PlaceNames).Select(place => place + 1)], device, keys.Minutes("minutes"), keys.Flag("outside"));
    }

    private static IReadOnlyList<Composite> ReadShipped()
    {
        using Stream stream = typeof(CompositeFile).Assembly.GetManifestResourceStream(DefaultResource)
            ?? throw new InvalidOperationException("The shipped composites are not in the assembly; the project file must embed models/composites.yaml.");
        using StreamReader reader = new(stream);
        return Read(reader.ReadToEnd());
    }

    private static InvalidDataException At(YamlNode node, string fault) => new($"Line {node.Start.Line}: {fault}.");

    /// <summary>The keys of one mapping, each read as what it must be.</summary>
    private sealed class Keys
    {
        private readonly YamlMappingNode _mapping;
        private readonly Dictionary<string, YamlNode> _values = new(StringComparer.Ordinal);

        public Keys(YamlNode node, params string[] known)
        {
            _mapping = node as YamlMappingNode ?? throw At(node, $"keys are expected ({string.Join(", ", known)})");
            foreach ((YamlNode key, YamlNode value) in _mapping.Children)
            {
                string name = (key as YamlScalarNode)?.Value ?? "";
                if (!known.Contains(name)) throw At(key, $"key '{name}' is not known; {string.Join(", ", known)} are");
                _values[name] = value;
            }
        }

        public string? Text(string key) => !_values.TryGetValue(key, out YamlNode? node) ? null
            : node is YamlScalarNode { Value.Length: > 0 and <= 100 } scalar ? scalar.Value : throw At(node, $"{key} is no text of 1..100 characters");

        public IReadOnlyList<YamlNode> List(string key, int most)
        {
            if (!_values.TryGetValue(key, out YamlNode? node)) throw At(_mapping, $"'{key}' is missing");
            if (node is not YamlSequenceNode list) throw At(node, $"{key} is no list; lines that begin with '- ' are expected");
            return list.Children.Count >= 1 && list.Children.Count <= most ? [.. list.Children] : throw At(node, $"{key} has {list.Children.Count} entries; 1..{most} are expected");
        }

        /// <summary>One name, or a list of names.</summary>
        public string[] Names(string key)
        {
            if (!_values.TryGetValue(key, out YamlNode? node)) return [];
            YamlNode[] nodes = node is YamlSequenceNode list ? [.. list.Children] : [node];
            return [.. nodes.Select(item => item is YamlScalarNode { Value: { Length: > 0 } text } ? text : throw At(item, $"{key} is a name, or a list of names like [walk, run]"))];
        }

        public int[] Words(string key, string[] known) =>
            [.. Names(key).Select(word => Array.IndexOf(known, word) is var index and >= 0 ? index : throw At(_values[key], $"{key} '{word}' is not known; {string.Join(", ", known)} are"))];

        public bool Flag(string key) => Text(key) switch
        {
            null or "false" => false,
            "true" => true,
            string other => throw At(_values[key], $"{key} is '{other}'; true or false is expected"),
        };

        public int Number(string key, int otherwise, int least, int most)
        {
            if (Text(key) is not { } text) return otherwise;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
                ? value : throw At(_values[key], $"{key} is '{text}'; {least}..{most} is expected");
        }

        /// <summary><c>5-90</c>, <c>5-</c> or <c>-90</c>.</summary>
        public MinuteRange Minutes(string key)
        {
            if (Text(key) is not { } text) return new MinuteRange(1, MaxMinutes);
            string[] ends = text.Split('-');
            int least = 1, most = MaxMinutes;
            bool isRange = ends.Length == 2 && text.Length > 1
                && (ends[0].Length == 0 || int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out least))
                && (ends[1].Length == 0 || int.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out most));
            return isRange && least <= most && most <= MaxMinutes ? new MinuteRange(least, most) : throw At(_values[key], $"{key} is '{text}'; minutes like 5-90, 5- or -90 are expected");
        }

        /// <summary><c>05:00-11:00</c>; <c>22:00-03:00</c> passes midnight.</summary>
        public MinuteRange Times(string key)
        {
            if (Text(key) is not { } text) return new MinuteRange(0, 1439);
            string[] ends = text.Split('-');
            return ends.Length == 2 && TimeOnly.TryParseExact(ends[0], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly from)
                && TimeOnly.TryParseExact(ends[1], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly to)
                ? new MinuteRange((from.Hour * 60) + from.Minute, (to.Hour * 60) + to.Minute)
                : throw At(_values[key], $"{key} is '{text}'; times of the day like 05:00-11:00 are expected");
        }
    }
}
