using Telemetry.Log.Disk;
using Telemetry.Testing;

namespace Telemetry.Log.Tests;

public sealed class WholeFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string PathOf(string name) => Path.Combine(_folder.Path, "a", "b", name);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Replaced_TheNewContentStandsAlone()
    {
        WholeFile.Replace(PathOf("place"), file => file.Write("a long first content"u8));
        WholeFile.Replace(PathOf("place"), file => file.Write("second"u8));

        Assert.Equal("second", File.ReadAllText(PathOf("place")));
        Assert.Equal(["place"], Directory.EnumerateFiles(Path.GetDirectoryName(PathOf("place"))!).Select(Path.GetFileName));
    }

    [Fact]
    public void WritingFails_TheOldContentStands()
    {
        WholeFile.Replace(PathOf("place"), file => file.Write("first"u8));

        Assert.Throws<IOException>(() => WholeFile.Replace(PathOf("place"), file =>
        {
            file.Write("half of the sec"u8);
            throw new IOException("disk full");
        }));

        Assert.Equal("first", File.ReadAllText(PathOf("place")));
    }
}
