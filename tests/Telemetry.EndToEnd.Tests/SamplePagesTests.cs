using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Samples read page by page while more come.</summary>
public sealed class SamplePagesTests
{
    [Theory]
    [InlineData(0, 997)]
    [InlineData(60_000, 13)]
    public async Task Pages_WhileALateBatchComes_AreTheWholeAnswerOfTheFirstInstant(long stepMs, int limit)
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await SimulateAsync(collector, seed: 3);
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{collector.HttpPort}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", collector.OperatorToken);
        http.DefaultRequestHeaders.Accept.ParseAdd("application/x-ndjson");

        (string whole, _) = await AskAsync(http, stepMs, limit: 0, page: "");
        (string pages, string next) = await AskAsync(http, stepMs, limit, page: "");
        await SimulateAsync(collector, seed: 4); // the same devices, the same hours, other samples
        while (next.Length > 0)
        {
            (string rows, next) = await AskAsync(http, stepMs, limit, next);
            Assert.InRange(rows.Count(letter => letter == '\n'), 1, limit);
            pages += rows;
        }

        Assert.Equal(whole, pages);
        Assert.NotEqual(whole, (await AskAsync(http, stepMs, limit: 0, page: "")).Rows);
    }

    private static async Task<(string Rows, string Next)> AskAsync(HttpClient http, long stepMs, int limit, string page)
    {
        HttpResponseMessage answer = await http.PostAsJsonAsync("/v1/query/Samples", new { user = "person-0001", stepMs, limit, page });
        string rows = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, rows);
        return (rows, answer.Headers.TryGetValues("telemetry-next-page", out IEnumerable<string>? next) ? next.First() : "");
    }

    private static Task<string> SimulateAsync(CollectorProcess collector, int seed) => collector.TelemetryAsync(
        "simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "6", "--hours", "2", "--seed", $"{seed}", "--json");
}
