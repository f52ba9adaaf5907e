using System.Text.Json;

namespace Telemetry.EndToEnd.Tests;

/// <summary><c>telemetry device check</c> as a firmware team runs it.</summary>
public sealed class DeviceCheckTests
{
    [Fact]
    public async Task DevicesOfOurSdk_HaveNoFault_AndOneThatNeverConnectedIsToldHow()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "3", "--hours", "2", "--seed", "5", "--json");
        using JsonDocument list = JsonDocument.Parse(await collector.TelemetryAsync("device", "list", "--json"));
        JsonElement simulated = list.RootElement.GetProperty("devices")[0];
        string name = $"{simulated.GetProperty("brand").GetString()}/{simulated.GetProperty("device").GetString()}";

        using JsonDocument report = JsonDocument.Parse(await collector.TelemetryAsync("device", "check", name, "--json"));
        Assert.True(ulong.Parse(report.RootElement.GetProperty("samples").GetString()!) > 100);
        Assert.DoesNotContain("DEVICE_FINDING_KIND_FAULT", report.RootElement.GetRawText(), StringComparison.Ordinal);

        await collector.AddDeviceAsync("acme", "band-1");
        (int exit, string output, string transcript) = await collector.TryTelemetryAsync("device", "check", "acme/band-1");
        Assert.True(exit == 1, transcript);
        Assert.Contains("t1/acme/band-1/up", output, StringComparison.Ordinal);
        (exit, _, transcript) = await collector.TryTelemetryAsync("device", "check", "acme/band-2");
        Assert.True(exit == 2, transcript);
    }
}
