using Telemetry.Testing;
using Telemetry.Wire.Profiles;

namespace Telemetry.Device.Tests;

public sealed class SampleTests
{
    [Fact]
    public void Wristband_ProfileHash_IsThatOfItsFile()
    {
        string folder = Path.Combine(RealParts.RepositoryRoot, "device", "samples", "Wristband");
        ProfileReadResult read = ProfileReader.Read(File.ReadAllBytes(Path.Combine(folder, "profile.json")));
        Assert.Empty(read.Faults);
        Assert.Contains($"0x{read.Profile!.Hash:X8}", File.ReadAllText(Path.Combine(folder, "Program.cs")), StringComparison.Ordinal);
    }
}
