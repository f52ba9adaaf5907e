using System.Text.RegularExpressions;
using Telemetry.Testing;

namespace Telemetry.Repo.Tests;

/// <summary>Small promises about the source text that no analyzer checks.</summary>
public sealed partial class SourceTests
{
    [Fact]
    public void LogEventIds_AreUniqueAcrossTheSolution()
    {
        var ids = CSharpFiles("collector").Concat(CSharpFiles("tools"))
            .SelectMany(file => EventId().Matches(File.ReadAllText(file)).Select(match => (Id: int.Parse(match.Groups[1].ValueSpan), File: file)))
            .ToList();
        Assert.NotEmpty(ids);
        Assert.Empty(ids.GroupBy(entry => entry.Id).Where(group => group.Count() > 1).Select(group => $"{group.Key}: {string.Join(", ", group.Select(entry => Path.GetFileName(entry.File)))}"));
    }

    /// <summary>The export lists the meters by name: a pattern would cost every collector a compiled regular expression.</summary>
    [Fact]
    public void Meters_OfEveryRoom_AreExported()
    {
        string export = File.ReadAllText(Path.Combine(RealParts.RepositoryRoot, "collector", "Telemetry.Collector", "Metrics", "MetricsExport.cs"));
        string[] names = [.. CSharpFiles("collector").SelectMany(file => MeterName().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).Distinct(StringComparer.Ordinal)];

        Assert.Contains("\"Telemetry.Ingest\"", names);
        Assert.All(names, name => Assert.Contains(name, export[export.IndexOf("s_meters", StringComparison.Ordinal)..export.IndexOf("];", StringComparison.Ordinal)], StringComparison.Ordinal));
    }

    [Fact]
    public void Namespaces_FollowFolders()
    {
        List<string> wrong = [];
        foreach (string file in CSharpFiles("collector").Concat(CSharpFiles("tools")))
        {
            Match declared = Namespace().Match(File.ReadAllText(file));
            if (!declared.Success) continue; // Top-level programs and assembly attributes.
            string folder = Path.GetRelativePath(RealParts.RepositoryRoot, Path.GetDirectoryName(file)!);
            string expected = string.Join('.', folder.Split('/').Skip(1));
            if (declared.Groups[1].Value != expected) wrong.Add($"{folder}/{Path.GetFileName(file)}: {declared.Groups[1].Value}, expected {expected}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void CSharpFiles_DoOneJobEach() =>
        Assert.Empty(CSharpFiles(".").Where(file => File.ReadLines(file).Count() > 500).Select(Path.GetFileName));

    private static IEnumerable<string> CSharpFiles(string folder) =>
        Directory.EnumerateFiles(Path.Combine(RealParts.RepositoryRoot, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/artifacts/", StringComparison.Ordinal));

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\d+)", RegexOptions.NonBacktracking)]
    private static partial Regex EventId();

    [GeneratedRegex("""(?:Meter _meter = new|new Meter|new MeterOptions)\(("[^"]+")""", RegexOptions.NonBacktracking)]
    private static partial Regex MeterName();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Namespace();
}
