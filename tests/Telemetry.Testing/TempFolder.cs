namespace Telemetry.Testing;

/// <summary>A fresh folder that goes with its test.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Full path of the folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("telemetry-test-").FullName;

    /// <summary>Full path of a file in it.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Removes the folder and all in it.</summary>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
