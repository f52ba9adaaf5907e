using Telemetry.Testing;

namespace Telemetry.Device.Tests.Nano;

public sealed class NanoSubsetTests
{
    private const string PlantedNamespace = "Telemetry.Device.Tests.Nano.Planted.";

    /// <summary>Assembly, package and version of the stable 1.17 line, as the class libraries' own packages.config have them. CoreLibrary 1.17 has no streams:
    /// Stream and SeekOrigin are in System.IO.Streams, on which the packages of FileSystem, System.Net and M2Mqtt depend.</summary>
    private static readonly Dictionary<string, string> s_packages = new(StringComparer.Ordinal)
    {
        ["mscorlib"] = "nanoFramework.CoreLibrary.1.17.11",
        ["nanoFramework.M2Mqtt"] = "nanoFramework.M2Mqtt.5.1.220",
        ["nanoFramework.M2Mqtt.Core"] = "nanoFramework.M2Mqtt.5.1.220",
        ["nanoFramework.Runtime.Events"] = "nanoFramework.Runtime.Events.1.11.37",
        ["nanoFramework.Runtime.Native"] = "nanoFramework.Runtime.Native.1.7.11",
        ["nanoFramework.System.Collections"] = "nanoFramework.System.Collections.1.5.75",
        ["nanoFramework.System.Text"] = "nanoFramework.System.Text.1.3.42",
        ["System.IO.FileSystem"] = "nanoFramework.System.IO.FileSystem.1.1.93",
        ["System.IO.Streams"] = "nanoFramework.System.IO.Streams.1.1.96",
        ["System.Net"] = "nanoFramework.System.Net.1.11.60",
        ["System.Threading"] = "nanoFramework.System.Threading.1.1.52",
    };

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
        string[] listed = [.. Elements(Path.Combine(folder, $"{sample}.nfproj"), "Compile")
            .Select(element => Path.GetFullPath(Path.Combine(folder, element.Attribute("Include")!.Value.Replace('\\', Path.DirectorySeparatorChar))))];
        string[] expected = ["Program.cs", "../../NanoRun.cs", $"../{sample}Firmware.cs", "../Signals.cs"];
        Assert.Equal(expected.Select(file => Path.GetFullPath(Path.Combine(folder, file))), listed);
        Assert.All(listed, file => Assert.True(File.Exists(file), file));
    }

    [Theory]
    [InlineData("Telemetry.Device/Telemetry.Device.nfproj")]
    [InlineData("adapters/Telemetry.Device.M2Mqtt/Telemetry.Device.M2Mqtt.nfproj")]
    [InlineData("samples/Wristband/nano/Wristband.nfproj")]
    [InlineData("samples/Shoe/nano/Shoe.nfproj")]
    [InlineData("samples/RoomSensor/nano/RoomSensor.nfproj")]
    public void NanoProject_References_AreTheStablePackagesAndPackagesConfigListsThem(string project)
    {
        string file = Path.Combine(RealParts.RepositoryRoot, "device", project);
        string[] referenced = [.. Elements(file, "Reference").Select(reference => reference.Attribute("Include")!.Value)];
        Assert.All(Elements(file, "Reference"), reference =>
        {
            string assembly = reference.Attribute("Include")!.Value;
            Assert.Equal($@"packages\{s_packages[assembly]}\lib\{assembly}.dll", reference.Value);
        });

        IEnumerable<string> listed = Elements(Path.Combine(Path.GetDirectoryName(file)!, "packages.config"), "package")
            .Select(package => $"{package.Attribute("id")!.Value}.{package.Attribute("version")!.Value}");
        Assert.Equal(referenced.Select(assembly => s_packages[assembly]).Distinct().Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void NanoPackage_Dependencies_AreThoseOfTheProject()
    {
        string folder = Path.Combine(RealParts.RepositoryRoot, "device", "Telemetry.Device");
        Assert.Equal(
            Elements(Path.Combine(folder, "packages.config"), "package").Select(package => (package.Attribute("id")!.Value, package.Attribute("version")!.Value)),
            Elements(Path.Combine(folder, "Telemetry.Device.Nano.nuspec"), "dependency").Select(package => (package.Attribute("id")!.Value, package.Attribute("version")!.Value)));
    }

    private static IEnumerable<System.Xml.Linq.XElement> Elements(string file, string name) =>
        System.Xml.Linq.XDocument.Load(file).Descendants().Where(element => element.Name.LocalName == name);

    [Fact]
    public void References_DeviceSource_OnlyTheStubAssemblies()
    {
        using var image = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(NanoAssembly));
        var metadata = System.Reflection.Metadata.PEReaderExtensions.GetMetadataReader(image);
        string[] names = [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order(StringComparer.Ordinal)];
        Assert.Equal(["System.IO.FileSystem", "System.IO.Streams", "System.Net", "mscorlib", "nanoFramework.Runtime.Native", "nanoFramework.System.Text"], names);
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
        string[] listed = [.. Elements(Path.Combine(folder, "Telemetry.Device.nfproj"), "Compile")
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
