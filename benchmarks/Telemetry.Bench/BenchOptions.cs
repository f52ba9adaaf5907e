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
