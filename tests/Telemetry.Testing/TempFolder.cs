namespace Telemetry.Testing;

/// <summary>A fresh folder that goes with its test.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Full path of the folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("telemetry-test-").FullName;

    /// <summary>Full path of a file in it.</summary>
    public string this[string name] => File(name);

    /// <summary>Full path of a file in it.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Removes the folder and all in it.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A process that is just ending may still hold a file; the system's temp cleaning takes the rest.
        }
    }
}
