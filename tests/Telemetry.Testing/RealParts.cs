namespace Telemetry.Testing;

/// <summary>A test that needs a program of this machine or the shared data. Skipped with a message where it is missing;
/// with <c>TELEMETRY_REQUIRE_PARTS=1</c> (CI) it runs and fails instead.</summary>
/// <example><c>[RealPartFact("mosquitto_pub")]</c>, <c>[RealPartFact("data:fitabase")]</c></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealPartFactAttribute : FactAttribute
{
    public RealPartFactAttribute(params string[] parts)
    {
        if (RealParts.AreRequired) return;
        string[] missing = [.. parts.Where(part => !RealParts.Has(part))];
        if (missing.Length > 0) Skip = $"needs {string.Join(", ", missing)}, not on this machine (README, 'Tests')";
    }
}

/// <summary>Where the real servers, clients and data are.</summary>
public static class RealParts
{
    /// <summary>True in CI, where a missing part is a failure.</summary>
    public static bool AreRequired { get; } = Environment.GetEnvironmentVariable("TELEMETRY_REQUIRE_PARTS") == "1";

    /// <summary>Root of this repository's checkout.</summary>
    public static string RepositoryRoot { get; } = FindUp("Telemetry.sln", File.Exists)
        ?? throw new InvalidOperationException("The tests run outside a checkout: no Telemetry.sln above " + AppContext.BaseDirectory);

    /// <summary>Folder of the shared data sets, or null. <c>TELEMETRY_DATA</c> overrides <c>../shared/data</c>.</summary>
    public static string? DataFolder { get; } = Environment.GetEnvironmentVariable("TELEMETRY_DATA")
        ?? (Path.Combine(RepositoryRoot, "..", "shared", "data") is var path && Directory.Exists(path) ? Path.GetFullPath(path) : null);

    /// <summary>Folder that holds node_modules with mqtt and @grpc/grpc-js; <c>TELEMETRY_NODE_MODULES</c> overrides <c>artifacts/node/node_modules</c>.</summary>
    public static string NodeModules { get; } = Environment.GetEnvironmentVariable("TELEMETRY_NODE_MODULES")
        ?? Path.Combine(RepositoryRoot, "artifacts", "node", "node_modules");

    /// <summary>Debian's Python, the one that has the packaged modules.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>Whether a part is here: a program on PATH, "data:FOLDER", "npm:PACKAGE" or "python:MODULE".</summary>
    public static bool Has(string part)
    {
        int colon = part.IndexOf(':', StringComparison.Ordinal);
        string name = part[(colon + 1)..];
        return colon < 0
            ? part == "python3" ? File.Exists(Python) : PathOf(part) is not null
            : part[..colon] switch
            {
                "data" => DataFolder is not null && Directory.Exists(Path.Combine(DataFolder, name)),
                "npm" => PathOf("node") is not null && Directory.Exists(Path.Combine(NodeModules, name)),
                "python" => File.Exists(Python) && Directory.Exists(Path.Combine("/usr/lib/python3/dist-packages", name.Replace('.', '/'))),
                _ => throw new ArgumentException($"Part '{part}' has an unknown kind; data:, npm:, python: or a program's name is expected.", nameof(part)),
            };
    }

    /// <summary>Full path of a program on PATH, or null.</summary>
    public static string? PathOf(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string? FindUp(string name, Predicate<string> exists)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (exists(Path.Combine(folder.FullName, name))) return folder.FullName;
        }

        return null;
    }
}
