using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Google.Protobuf;

namespace Telemetry.Simulator.Api;

/// <summary>The collector's HTTP API as far as a fleet needs it: registry, counts, scenarios, status.</summary>
/// <remarks>Safe for several calls at a time. A collector that is just restarting is asked again for <see cref="PatienceSeconds"/>.</remarks>
public sealed class CollectorApi : IDisposable
{
    /// <summary>How long a collector that does not answer is asked again.</summary>
    public const int PatienceSeconds = 30;

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default);
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>Talks to one collector.</summary>
    /// <param name="address">Its HTTP address, e.g. <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="token">The operator token.</param>
    /// <param name="time">Clock of the retries.</param>
    public CollectorApi(Uri address, string token, TimeProvider time)
    {
        _time = time;
        _http = new HttpClient { BaseAddress = address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Calls a method of the registry service.</summary>
    /// <exception cref="CollectorApiException">The collector refused, or did not answer in time.</exception>
    public Task<TAnswer> RegistryAsync<TAnswer>(string method, IMessage request, CancellationToken cancellation)
        where TAnswer : IMessage<TAnswer>, new() => CallAsync<TAnswer>("registry", method, request, cancellation);

    /// <summary>Calls a method of the query service.</summary>
    /// <exception cref="CollectorApiException">The collector refused, or did not answer in time.</exception>
    public Task<TAnswer> QueryAsync<TAnswer>(string method, IMessage request, CancellationToken cancellation)
        where TAnswer : IMessage<TAnswer>, new() => CallAsync<TAnswer>("query", method, request, cancellation);

    /// <summary>Calls a method of the answers service.</summary>
    /// <exception cref="CollectorApiException">The collector refused, or did not answer in time.</exception>
    public Task<TAnswer> AnswersAsync<TAnswer>(string method, IMessage request, CancellationToken cancellation)
        where TAnswer : IMessage<TAnswer>, new() => CallAsync<TAnswer>("answers", method, request, cancellation);

    /// <summary>Where the log ends and how far its consumers have read.</summary>
    /// <exception cref="CollectorApiException">The collector refused, or did not answer in time.</exception>
    public Task<CollectorStatus> StatusAsync(CancellationToken cancellation) => RetryAsync(async () =>
    {
        using HttpResponseMessage answer = await _http.GetAsync("v1/status", cancellation);
        await CheckAsync(answer, cancellation);
        return await answer.Content.ReadFromJsonAsync<CollectorStatus>(JsonSerializerOptions.Web, cancellation)
            ?? throw new CollectorApiException(answer.StatusCode, "GET /v1/status answered null.");
    }, cancellation);

    public void Dispose() => _http.Dispose();

    private Task<TAnswer> CallAsync<TAnswer>(string service, string method, IMessage request, CancellationToken cancellation)
        where TAnswer : IMessage<TAnswer>, new() => RetryAsync(async () =>
    {
        using StringContent body = new(Formatter.Format(request), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _http.PostAsync($"v1/{service}/{method}", body, cancellation);
        await CheckAsync(answer, cancellation);
        return Parser.Parse<TAnswer>(await answer.Content.ReadAsStringAsync(cancellation));
    }, cancellation);

    private async Task<T> RetryAsync<T>(Func<Task<T>> call, CancellationToken cancellation)
    {
        long begin = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (HttpRequestException fault) when (_time.GetElapsedTime(begin) >= TimeSpan.FromSeconds(PatienceSeconds))
            {
                throw new CollectorApiException(HttpStatusCode.ServiceUnavailable, $"The collector's HTTP address {_http.BaseAddress} does not answer: {fault.Message}");
            }
            catch (HttpRequestException)
            {
                await Task.Delay(RetryInterval, _time, cancellation);
            }
        }
    }

    private static async Task CheckAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.IsSuccessStatusCode) return;
        string text = await answer.Content.ReadAsStringAsync(cancellation);
        throw new CollectorApiException(answer.StatusCode, ErrorOf(text) ?? $"{answer.RequestMessage?.RequestUri?.AbsolutePath} answered {(int)answer.StatusCode}.");
    }

    // Errors are {"error": "..."}.
    private static string? ErrorOf(string body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.TryGetProperty("error", out JsonElement error) ? error.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The collector said no.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">Its text.</param>
public sealed class CollectorApiException(HttpStatusCode status, string message) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public HttpStatusCode Status { get; } = status;
}

/// <summary>Answer of <c>GET /v1/status</c>.</summary>
/// <param name="DurablePosition">End of what is flushed.</param>
/// <param name="Consumers">Everything that reads the log.</param>
public sealed record CollectorStatus(long DurablePosition, IReadOnlyList<ConsumerStatus> Consumers);

/// <summary>One consumer of the log.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Position">How far it has read and committed.</param>
public sealed record ConsumerStatus(string Name, long Position);
