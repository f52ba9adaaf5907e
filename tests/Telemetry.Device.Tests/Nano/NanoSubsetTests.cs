using Telemetry.Testing;

namespace Telemetry.Device.Tests.Nano;

public sealed class NanoSubsetTests
{
    private const string PlantedNamespace = "Telemetry.Device.Tests.Nano.Planted.";

    [Theory]
    [InlineData("OwnGeneric", "generics")]
    [InlineData("UsesGeneric", "generics")]
    [InlineData("CallsGenericMethod", "generics")]
    [InlineData("MultiDimensional", "multi-dimensional array")]
    [InlineData("Pointers", "pointer")]
    [InlineData("Fixing", "fixed")]
    [InlineData("StackAllocation", "stackalloc")]
    [InlineData("CheckedArithmetic", "checked arithmetic")]
    [InlineData("VolatileField", "volatile")]
    [InlineData("IDefaultMethod", "default interface method")]
    [InlineData("IStaticAbstract", "static abstract member")]
    [InlineData("EnumText", "ToString of an enum")]
    public void Violations_PlantedSample_IsNamed(string planted, string expected) =>
        Assert.Contains(expected, NanoSubset.Violations(typeof(NanoSubsetTests).Assembly.Location, PlantedNamespace + planted));

    [Fact]
    public void Violations_PlainClass_NoneFound() =>
        Assert.Empty(NanoSubset.Violations(typeof(NanoSubsetTests).Assembly.Location, PlantedNamespace + "Clean"));

    [Fact]
    public void Violations_DeviceSource_NoneFound() => Assert.Empty(NanoSubset.Violations(NanoAssembly, ""));

    [Fact]
    public void Violations_SamplesForTheChip_NoneFound() => Assert.Empty(NanoSubset.Violations(BuiltIn("device/samples/Samples.NanoCheck", "Samples.Nano.dll"), ""));

    [Theory]
    [InlineData("Wristband")]
    [InlineData("Shoe")]
    [InlineData("RoomSensor")]
    public void NanoProject_OfASample_ListsTheFilesTheCheckCompiles(string sample)
    {
        string folder = Path.Combine(RealParts.RepositoryRoot, "device", "samples", sample, "nano");
        string[] listed = [.. System.Xml.Linq.XDocument.Load(Path.Combine(folder, $"{sample}.nfproj")).Descendants()
            .Where(element => element.Name.LocalName == "Compile")
            .Select(element => Path.GetFullPath(Path.Combine(folder, element.Attribute("Include")!.Value.Replace('\\', Path.DirectorySeparatorChar))))];
        string[] expected = ["Program.cs", $"../{sample}Firmware.cs", "../Signals.cs"];
        Assert.Equal(expected.Select(file => Path.GetFullPath(Path.Combine(folder, file))), listed);
        Assert.All(listed, file => Assert.True(File.Exists(file), file));
    }

    [Fact]
    public void References_DeviceSource_OnlyTheStubAssemblies()
    {
        using var image = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(NanoAssembly));
        var metadata = System.Reflection.Metadata.PEReaderExtensions.GetMetadataReader(image);
        string[] names = [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order(StringComparer.Ordinal)];
        Assert.Equal(["System.IO.FileSystem", "System.Net", "mscorlib", "nanoFramework.Runtime.Native", "nanoFramework.System.Text"], names);
    }

    [Fact]
    public void NanoProject_CompileItems_AreExactlyTheSharedSource()
    {
        string folder = Path.Combine(RealParts.RepositoryRoot, "device", "Telemetry.Device");
        string[] source = [.. Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file))
            .Where(file => !file.StartsWith("obj", StringComparison.Ordinal) && !file.StartsWith("bin", StringComparison.Ordinal)
                && !file.StartsWith(Path.Combine("Platform", "Net"), StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        string[] listed = [.. System.Xml.Linq.XDocument.Load(Path.Combine(folder, "Telemetry.Device.nfproj")).Descendants()
            .Where(element => element.Name.LocalName == "Compile")
            .Select(element => element.Attribute("Include")!.Value.Replace('\\', Path.DirectorySeparatorChar))
            .Order(StringComparer.Ordinal)];
        Assert.Equal(source, listed);
    }

    private static string NanoAssembly => BuiltIn("device/Telemetry.Device.NanoCheck", "Telemetry.Device.Nano.dll");

    // Built beside this project by its reference without output: same configuration, own folder.
    private static string BuiltIn(string project, string assembly)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return Path.Combine(RealParts.RepositoryRoot, project, "bin", configuration, "net10.0", assembly);
    }
}
