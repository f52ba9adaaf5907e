using System.Text.Json;
using System.Text.Json.Nodes;
using Telemetry.Bench.Codec;
using Telemetry.Testing;

namespace Telemetry.Wire.Tests.Vectors;

/// <summary>proto/vectors. To add one: extend the catalog and run these tests once with TELEMETRY_WRITE_VECTORS=1.</summary>
public sealed class VectorTests
{
    private static readonly string s_folder = Path.Combine(RealParts.RepositoryRoot, "proto", "vectors");

    [Fact]
    public void Vectors_OnDisk_AreThoseOfTheCatalogAndDecodeToTheirContent()
    {
        if (Environment.GetEnvironmentVariable("TELEMETRY_WRITE_VECTORS") == "1") Write(s_folder, VectorCatalog.All);
        JsonArray listed = JsonNode.Parse(File.ReadAllText(Path.Combine(s_folder, "manifest.json")))!["vectors"]!.AsArray();
        Assert.Equal(VectorCatalog.All.Select(vector => vector.File), listed.Select(entry => (string)entry!["file"]!));
        foreach ((Vector vector, JsonNode? entry) in VectorCatalog.All.Zip(listed))
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(s_folder, vector.File));
            Assert.True(bytes.AsSpan().SequenceEqual(vector.Bytes), $"{vector.File} is not what the encoder writes: the contract is frozen.");
            (string reason, JsonObject? content) = VectorContent.Read(vector.Type, bytes);
            Assert.Equal((string)entry!["reason"]!, reason);
            Assert.Equal(vector.Name.StartsWith("bad-", StringComparison.Ordinal), reason != "None");
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(content?.ToJsonString() ?? "null"), entry["content"]), vector.File);
        }
    }

    [Fact]
    public void Vectors_CutAtEveryByte_AreRefusedOrShorterButNeverThrow()
    {
        foreach (Vector vector in VectorCatalog.All.Where(vector => !vector.Name.StartsWith("bad-", StringComparison.Ordinal)))
        {
            for (int length = 0; length < vector.Bytes.Length; length++)
            {
                (string reason, _) = VectorContent.Read(vector.Type, vector.Bytes.AsSpan(0, length));

                // A plain block may lose a whole optional field at its end (the mask); everything else ends where it must.
                if (vector.Type != "plain") Assert.NotEqual("None", reason);
            }
        }
    }

    [Fact]
    public void Vectors_FlippedAtEveryBit_AreRefusedOrReadWithinLimits()
    {
        foreach (Vector vector in VectorCatalog.All.Where(vector => vector.Bytes.Length < 600))
        {
            byte[] bytes = [.. vector.Bytes];
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                bytes[bit >> 3] ^= (byte)(1 << (bit & 7));
                (string reason, _) = VectorContent.Read(vector.Type, bytes);

                // The checksum sees every single bit; a flip may well heal a bad vector that was made by one.
                if (vector.Type == "batch" && !vector.Name.StartsWith("bad-", StringComparison.Ordinal)) Assert.NotEqual("None", reason);
                bytes[bit >> 3] ^= (byte)(1 << (bit & 7));
            }
        }
    }

    [RealPartFact("python3")]
    public async Task Vectors_SecondDecoder_ReadsAllOfThemAlike()
    {
        await AssertSecondDecoderAgreesAsync(s_folder, VectorCatalog.All.Count);
    }

    [RealPartFact("python3")]
    public async Task RandomBlocks_SecondDecoder_ReadsOrRefusesAllOfThemAlike()
    {
        DamagedInputs inputs = new(3);
        List<Vector> blocks = [];
        int good = 0, levels = 0;
        while (blocks.Count < 600)
        {
            bool isGood = inputs.TryNext();
            if (!inputs.LastIsPacked) continue;
            if (isGood) good++;
            if (isGood && (inputs.Last[0] & 7) == 3) levels++;
            blocks.Add(new Vector($"random-{blocks.Count}", "block", inputs.Last));
        }

        Assert.InRange(good, 100, 500);
        Assert.True(levels > 20, "Columns about a level are among the good ones.");
        using TempFolder folder = new();
        Write(folder.Path, blocks);
        await AssertSecondDecoderAgreesAsync(folder.Path, blocks.Count);
    }

    private static async Task AssertSecondDecoderAgreesAsync(string folder, int vectors)
    {
        await using ChildProcess python = ChildProcess.Start(
            RealParts.Python, ["-B", Path.Combine(RealParts.RepositoryRoot, "tests", "wire-decoder", "decode.py"), folder]);
        await python.ExitAsync();
        Assert.True(python.ExitCode == 0, python.Transcript);
        Assert.Contains($"{vectors} vectors, 0 wrong", python.Transcript, StringComparison.Ordinal);
    }

    private static void Write(string folder, IReadOnlyList<Vector> vectors)
    {
        Directory.CreateDirectory(folder);
        using FileStream file = File.Create(Path.Combine(folder, "manifest.json"));
        using StreamWriter text = new(file);
        text.Write("{\"contract\":1,\"vectors\":[\n");
        foreach (Vector vector in vectors)
        {
            File.WriteAllBytes(Path.Combine(folder, vector.File), vector.Bytes);
            (string reason, JsonObject? content) = VectorContent.Read(vector.Type, vector.Bytes);
            JsonObject entry = new() { ["file"] = vector.File, ["type"] = vector.Type, ["reason"] = reason, ["content"] = content };
            text.Write(entry.ToJsonString(new JsonSerializerOptions()) + (vector == vectors[^1] ? "\n" : ",\n"));
        }

        text.Write("]}\n");
    }
}
