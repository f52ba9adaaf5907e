using System.Reflection;
using Telemetry.Device.Platform;
using Telemetry.Testing;

namespace Telemetry.Device.Tests;

/// <summary>PORTING.md names everything there is to port.</summary>
public sealed class PortingPageTests
{
    [Theory]
    [InlineData(typeof(IFlash))]
    [InlineData(typeof(ITransport))]
    [InlineData(typeof(MessagePort))]
    [InlineData(typeof(IClock))]
    [InlineData(typeof(IHealth))]
    [InlineData(typeof(ICommandHandler))]
    public void Page_NamesEveryMemberOfEveryPort(Type port)
    {
        string page = File.ReadAllText(Path.Combine(RealParts.RepositoryRoot, "device", "PORTING.md"));
        IEnumerable<string> members = port.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(member => (member is PropertyInfo { GetMethod: { } get } && !get.IsAssembly) || member is MethodInfo { IsSpecialName: false, IsAssembly: false, IsPrivate: false })
            .Select(member => member.Name);
        Assert.All(members.Append(port.Name), name => Assert.Contains($"`{name}", page, StringComparison.Ordinal));
    }
}
