using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Options;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Lifetime;

public sealed class CollectorHostTests
{
    [Fact]
    public void DataFolder_New_IsItsOwnersAlone()
    {
        using TempFolder folder = new();
        using DataFolder data = DataFolder.Open(folder["data"]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(data.Path));
    }

    [Fact]
    public async Task Start_FreePorts_IsAliveReadyAndMeasured()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]));
        using HttpClient http = new() { BaseAddress = new Uri($"http://{host.HttpAddress}") };

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz")).StatusCode);
        Assert.Equal("ready\n", await http.GetStringAsync("/readyz"));
        string metrics = await http.GetStringAsync("/metrics");
        Assert.Contains("# TYPE telemetry_ingest_batches_total counter", metrics, StringComparison.Ordinal);
        Assert.Contains("process_memory_resident_bytes ", metrics, StringComparison.Ordinal);
        Assert.StartsWith("ready mqtt=127.0.0.1:", host.ReadyLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_WithoutToken_IsRefusedWithAText()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]));
        using HttpClient http = new() { BaseAddress = new Uri($"http://{host.HttpAddress}") };

        HttpResponseMessage answer = await http.PostAsJsonAsync("/v1/registry/ListBrands", new { });
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("operator.token", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString(), StringComparison.Ordinal);

        http.DefaultRequestHeaders.Authorization = new("Bearer", host.OperatorToken);
        Assert.Equal(HttpStatusCode.OK, (await http.PostAsJsonAsync("/v1/registry/ListBrands", new { })).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsJsonAsync("/v1/registry/ListBrands", new { nonsense = 1 })).StatusCode);

        answer = await http.PostAsJsonAsync("/v1/query/Sample", new { });
        Assert.Equal((HttpStatusCode.NotFound, "There is no POST /v1/query/Sample; "), (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString()![..35]));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1/query/Samples")).StatusCode);
    }

    [Fact]
    public async Task Api_BodyAboveTheLimit_IsRefusedWithAText()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]));

        // The body waits for the server's word, which is no.
        using HttpClient http = new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromSeconds(100) }) { BaseAddress = new Uri($"http://{host.HttpAddress}") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", host.OperatorToken);
        http.DefaultRequestHeaders.ExpectContinue = true;
        HttpResponseMessage answer = await http.PostAsync("/v1/registry/ListBrands", new ByteArrayContent(new byte[(1024 * 1024) + 1]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains("1048576 bytes", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_FolderInUse_IsRefusedAndTheFirstGoesOn()
    {
        using TempFolder folder = new();
        await using CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]));
        IOException fault = await Assert.ThrowsAsync<IOException>(() => CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"])));
        Assert.Contains("another collector runs on", fault.Message, StringComparison.Ordinal);

        using HttpClient http = new();
        Assert.Equal("ready\n", await http.GetStringAsync(new Uri($"http://{host.HttpAddress}/readyz")));
    }

    [Fact]
    public async Task Start_PortTaken_LeavesTheFolderFree()
    {
        using TempFolder folder = new();
        await using CollectorHost first = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["first"]));
        CollectorOptions free = CollectorOptions.OnFreePorts(folder["second"]);
        foreach ((string key, CollectorOptions clash) in new[] { ("mqtt", free with { Mqtt = first.GrpcAddress }), ("grpc", free with { Grpc = first.HttpAddress }), ("http", free with { Http = first.MqttAddress }) })
        {
            IOException fault = await Assert.ThrowsAsync<IOException>(() => CollectorHost.StartAsync(clash));
            Assert.StartsWith($"option '{key}': 127.0.0.1:", fault.Message, StringComparison.Ordinal);
            Assert.Contains("is in use by another program", fault.Message, StringComparison.Ordinal);
        }

        await using CollectorHost second = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["second"]));
        Assert.NotNull(second.HttpAddress);
    }

    [Fact]
    public async Task Start_Again_KeepsTheOperatorToken()
    {
        using TempFolder folder = new();
        string token;
        await using (CollectorHost host = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]))) token = host.OperatorToken;
        await using CollectorHost again = await CollectorHost.StartAsync(CollectorOptions.OnFreePorts(folder["data"]));
        Assert.Equal(token, again.OperatorToken);
    }
}
