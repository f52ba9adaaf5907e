using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Telemetry.Collector;
using Telemetry.Collector.Options;
using Telemetry.Mqtt.Tests;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A whole collector on a disk that fills up: readiness says why, reads go on, what waited is acknowledged by itself once there is space.</summary>
public sealed class FullDiskTests
{
    private const string NoSpace = "No space left on device";

    [Fact]
    public async Task Disk_FillsUpAndIsEmptied_ReadinessSaysWhyAndNothingAckedIsLost()
    {
        using TempFolder folder = new();
        using GatedDisk disk = new(folder["log"]);
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]) with { LogDisk = disk });
        using HttpClient http = new() { BaseAddress = new Uri($"http://{host.HttpAddress}/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", host.OperatorToken);
        await CallAsync("v1/registry/PutBrand", new { id = "acme", name = "Acme" });
        await CallAsync("v1/registry/PutModel", new { brand = "acme", profileJson = PeerBatches.ProfileJson });
        JsonElement added = await CallAsync("v1/registry/AddDevice", new { brand = "acme", device = "band", model = "peer" });
        WireDevice device = await WireDevice.ConnectAsync(host.MqttAddress!.Port, "acme/band", added.GetProperty("secret").GetString()!);

        await device.PublishAsync(1, 1);
        await device.AnsweredAsync();
        Assert.Single(device.Acked);

        disk.Refusal = NoSpace;
        await device.PublishAsync(2, 1);
        string reasons = await ReadinessAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Contains($"log: the disk takes no writes ({NoSpace})", reasons, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("healthz")).StatusCode);

        // Refused at once while it lasts; the answers stand behind the one that waits.
        await device.PublishAsync(3, 2);
        Assert.Empty(await device.AnswersSoFarAsync());

        disk.Refusal = null;
        await device.AnsweredAsync();
        Assert.Equal([1, 2], device.Acked.Order());
        Assert.Equal("ready\n", await ReadinessAsync(HttpStatusCode.OK));
        await device.SendUntilAllAckedAsync();
        Assert.Equal([1, 2, 3, 4], device.Acked.Order());
        JsonElement batches = (await CallAsync("v1/status", body: null)).GetProperty("batches");
        Assert.Equal((4, 2, 0), (batches.GetProperty("stored").GetInt64(), batches.GetProperty("refused").GetInt64(), batches.GetProperty("duplicate").GetInt64()));

        async Task<JsonElement> CallAsync(string path, object? body)
        {
            using HttpResponseMessage response = body is null ? await http.GetAsync(path) : await http.PostAsJsonAsync(path, body);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
            return await response.Content.ReadFromJsonAsync<JsonElement>();
        }

        async Task<string> ReadinessAsync(HttpStatusCode expected)
        {
            using CancellationTokenSource limit = new(TestLimits.Answer);
            while (true)
            {
                using HttpResponseMessage answer = await http.GetAsync("readyz", limit.Token);
                if (answer.StatusCode == expected) return await answer.Content.ReadAsStringAsync(limit.Token);
            }
        }
    }
}
