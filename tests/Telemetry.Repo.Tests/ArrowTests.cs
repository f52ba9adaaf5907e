using System.Xml.Linq;
using Telemetry.Testing;

namespace Telemetry.Repo.Tests;

/// <summary>Holds the project references to the drawing of the house in README, "Architecture".</summary>
public sealed class ArrowTests
{
    // From a project to what it may reference. Tests and benchmarks may reference anything; a room not listed here fails.
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Telemetry.Device"] = [],
        ["Telemetry.Wire"] = [],
        ["Telemetry.Log"] = ["Telemetry.Wire"],
        ["Telemetry.Mqtt"] = ["Telemetry.Wire"],
        ["Telemetry.Grpc"] = ["Telemetry.Wire"],
        ["Telemetry.Registry"] = ["Telemetry.Wire"],
        ["Telemetry.Ingest"] = ["Telemetry.Wire", "Telemetry.Log", "Telemetry.Registry"],
        ["Telemetry.Influx"] = ["Telemetry.Wire", "Telemetry.Log"],
        ["Telemetry.Scenarios"] = ["Telemetry.Wire"],
        ["Telemetry.Insights"] = ["Telemetry.Scenarios", "Telemetry.Registry"],
        ["Telemetry.Collector"] =
        [
            "Telemetry.Wire", "Telemetry.Log", "Telemetry.Mqtt", "Telemetry.Grpc", "Telemetry.Registry", "Telemetry.Ingest",
            "Telemetry.Influx", "Telemetry.Scenarios", "Telemetry.Insights",
        ],
        ["Telemetry.Simulator"] = ["Telemetry.Device", "Telemetry.Wire"],
        ["Telemetry.Cli"] = ["Telemetry.Collector", "Telemetry.Simulator"],
    };

    public static TheoryData<string> Rooms => [.. ProjectFiles().Select(file => Path.GetRelativePath(RealParts.RepositoryRoot, file))];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ProjectReferences_AreOnlyTheArrowsDrawn(string projectFile)
    {
        string path = Path.Combine(RealParts.RepositoryRoot, projectFile);
        string name = Path.GetFileNameWithoutExtension(path);
        string top = projectFile.Split('/')[0];
        if (top is "tests" or "benchmarks") return;

        string[] references = References(path);
        if (projectFile.StartsWith("device/", StringComparison.Ordinal))
        {
            // Nothing on the device side knows the service; samples and checks know the SDK and their stubs.
            Assert.DoesNotContain(references, reference => !reference.Contains($"{Path.DirectorySeparatorChar}device{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
            return;
        }

        Assert.True(Arrows.TryGetValue(name, out string[]? allowed), $"{name} is not drawn in the house; add it to README, DESIGN and this table with the reason.");
        string[] names = [.. references.Select(reference => Path.GetFileNameWithoutExtension(reference)!)];
        Assert.Empty(names.Except(allowed));
    }

    [Fact]
    public void EveryRoomDrawn_Exists()
    {
        IEnumerable<string> names = ProjectFiles().Select(file => Path.GetFileNameWithoutExtension(file)!);
        Assert.Empty(Arrows.Keys.Except(names));
    }

    [Fact]
    public void EveryProject_IsInTheSolution()
    {
        string solution = File.ReadAllText(Path.Combine(RealParts.RepositoryRoot, "Telemetry.sln"));
        Assert.All(ProjectFiles().Where(file => !NeedsPublicRegistry(file)).Select(Path.GetFileName), name => Assert.Contains(name!, solution, StringComparison.Ordinal));
    }

    [Fact]
    public void ProjectsOfThePublicRegistry_AreNotInTheSolution()
    {
        string solution = File.ReadAllText(Path.Combine(RealParts.RepositoryRoot, "Telemetry.sln"));
        string?[] names = [.. ProjectFiles().Where(NeedsPublicRegistry).Select(Path.GetFileName)];
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.DoesNotContain(name!, solution, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryRoom_HasItsPage()
    {
        IEnumerable<string> rooms = Arrows.Keys.Select(name => Path.GetDirectoryName(ProjectFiles().First(file => Path.GetFileNameWithoutExtension(file) == name))!);
        // The SDK's page stands beside its samples and stubs, one folder up.
        Assert.All(rooms, room => Assert.True(
            File.Exists(Path.Combine(room, "README.md")) || (Path.GetFileName(room) == "Telemetry.Device" && File.Exists(Path.Combine(room, "..", "README.md"))),
            $"{room} has no README.md"));
    }

    internal static IEnumerable<string> ProjectFiles() =>
        Directory.EnumerateFiles(RealParts.RepositoryRoot, "*.csproj", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}artifacts{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    // Its packages do not restore everywhere: it asks for them with -p:PublicRegistry=true alone (device/README.md, "Adapters").
    private static bool NeedsPublicRegistry(string project) => File.ReadAllText(project).Contains("'$(PublicRegistry)' == 'true'", StringComparison.Ordinal);

    private static string[] References(string project) =>
        [.. XDocument.Load(project).Descendants("ProjectReference").Select(reference => reference.Attribute("Include")!.Value.Replace('\\', '/'))
            .Select(include => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, include)))];
}
