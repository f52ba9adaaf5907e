using System.Text;
using System.Text.Json;

namespace Telemetry.Wire.Profiles;

/// <summary>Collects faults and turns byte offsets of the text into lines and columns.</summary>
internal sealed class FaultList
{
    private const int MaxFaults = 1000; // a text of 64 KiB can hold tens of thousands; nobody reads on after this many
    private const int MaxFoundCharacters = 40;

    private readonly List<(long Offset, ProfileFault Fault)> _faults = [];
    private readonly List<ProfileFault> _notes = [];
    private readonly byte[] _text;

    /// <param name="text">The text that offsets count in; one above the limit is not kept, for nothing in it is judged.</param>
    public FaultList(ReadOnlySpan<byte> text) => _text = text.Length <= WireLimits.MaxProfileBytes ? text.ToArray() : [];

    public bool Any => _faults.Count > 0;

    public int Count { get; private set; }

    /// <summary>Faults the token at the reader.</summary>
    public void Add(ref Utf8JsonReader reader, string key, string expected, string advice = "") =>
        AddAt(reader.TokenStartIndex, key, Describe(ref reader), expected, advice);

    public void AddAt(long offset, string key, string found, string expected, string advice = "")
    {
        Count++;
        if (_faults.Count < MaxFaults) _faults.Add((offset, At(offset, key, found, expected, advice)));
    }

    /// <summary>Records what is allowed but probably not meant.</summary>
    public void Note(long offset, string key, string found, string expected, string advice) => _notes.Add(At(offset, key, found, expected, advice));

    /// <summary>The parser's own complaint. Its position counts lines and bytes from 0.</summary>
    public void AddSyntax(JsonException fault)
    {
        int line = (int)(fault.LineNumber ?? 0), inLine = (int)(fault.BytePositionInLine ?? 0);
        int offset = 0;
        for (int i = 0; i < line; i++) offset += _text.AsSpan(offset).IndexOf((byte)'\n') + 1;
        offset = Math.Min(offset + inLine, _text.Length);
        string found = offset < _text.Length ? Quote(Encoding.UTF8.GetString(_text.AsSpan(offset, Math.Min(8, _text.Length - offset)))) : "the end of the text";
        AddAt(offset, "", found, "JSON as of RFC 8259", Reason(fault.Message));
    }

    public int LineOf(long offset) => 1 + _text.AsSpan(0, (int)offset).Count((byte)'\n');

    public ProfileReadResult Result(ModelProfile? profile) =>
        new(Any ? null : profile, [.. _faults.OrderBy(fault => fault.Offset).Select(fault => fault.Fault)], _notes);

    private ProfileFault At(long offset, string key, string found, string expected, string advice)
    {
        ReadOnlySpan<byte> before = _text.AsSpan(0, (int)offset);
        ReadOnlySpan<byte> line = before[(before.LastIndexOf((byte)'\n') + 1)..];
        int characters = 0;
        foreach (byte value in line) characters += (value & 0xC0) != 0x80 ? 1 : 0; // continuation bytes belong to their character
        return new ProfileFault(LineOf(offset), characters + 1, key, found, expected, advice);
    }

    private static string Describe(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => ProfileValues.StringOf(ref reader) is { } text ? Quote(text) : "a string that is no Unicode text",
        _ => Shorten(Encoding.UTF8.GetString(reader.ValueSpan)),
    };

    private static string Quote(string text) => JsonSerializer.Serialize(Shorten(text));

    private static string Shorten(string text) => text.Length <= MaxFoundCharacters ? text : text[..MaxFoundCharacters] + "...";

    // "'x' is an invalid start of a value. LineNumber: 3 | BytePositionInLine: 4.": the position is already said.
    private static string Reason(string message)
    {
        int position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string[] lines = (position < 0 ? message : message[..position]).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', lines); // it quotes the text, line ends and all
    }
}
