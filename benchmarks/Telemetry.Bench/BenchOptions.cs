namespace Telemetry.Bench;

/// <summary>What every benchmark is told on its command line.</summary>
/// <param name="Json">Print one JSON object on standard output and nothing else there.</param>
/// <param name="Peers">Also drive the peers that are installed.</param>
/// <param name="DataPath">Folder of the shared data sets; default: <c>shared/data</c> beside the repository.</param>
/// <param name="Rest">Options only the benchmark knows.</param>
internal sealed record BenchOptions(bool Json, bool Peers, string DataPath, IReadOnlyList<string> Rest)
{
    public static BenchOptions Parse(ReadOnlySpan<string> args)
    {
        bool json = false, peers = false;
        string? data = null;
        List<string> rest = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--json") json = true;
            else if (args[i] == "--peers") peers = true;
            else if (args[i] == "--data" && i + 1 < args.Length) data = args[++i];
            else rest.Add(args[i]);
        }

        return new BenchOptions(json, peers, data ?? FindSharedData(), rest);
    }

    /// <summary>The value behind an option of the benchmark's own, or null.</summary>
    public string? Text(string name)
    {
        for (int i = 0; i + 1 < Rest.Count; i++)
        {
            if (Rest[i] == name) return Rest[i + 1];
        }

        return null;
    }

    /// <summary>A whole number behind an option of the benchmark's own.</summary>
    public int Number(string name, int otherwise) =>
        Text(name) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

    /// <summary>A new folder under <c>--folder</c> or the system's temporary one; the benchmark deletes it.</summary>
    public string FreshFolder(string name)
    {
        string path = Directory.CreateDirectory(Path.Combine(Text("--folder") ?? Path.GetTempPath(), $"telemetry-bench-{name}-{Environment.ProcessId}")).FullName;
        Leftovers.Add(() =>
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        });
        return path;
    }

    private static string FindSharedData()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(candidate)) return candidate;
        }

        return Path.Combine("..", "shared", "data");
    }
}
