using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Telemetry.Collector.Lifetime;

namespace Telemetry.Cli;

/// <summary>Asks a running collector over HTTP. Its address and token come from <c>--http</c> and <c>--token-file</c>, or from the one that runs here.</summary>
internal sealed class CollectorClient : IDisposable
{
    private static readonly Option<string?> s_http = new("--http") { Description = "The collector's HTTP address, HOST:PORT; default: the one that runs on this machine" };
    private static readonly Option<string?> s_tokenFile = new("--token-file") { Description = "File with the operator token; default: that of the collector found here" };
    private static readonly JsonParser s_parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private readonly HttpClient _http;

    /// <summary>A client of a known collector.</summary>
    /// <param name="address">HOST:PORT or a URL.</param>
    /// <param name="token">Operator token.</param>
    public CollectorClient(string address, string token)
    {
        string url = address.Contains("://", StringComparison.Ordinal) ? address : $"http://{address}";
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out Uri? uri)) throw new CommandException($"--http '{address}' is no address; HOST:PORT is expected, e.g. 127.0.0.1:8080.");
        _http = new HttpClient { BaseAddress = uri, Timeout = TimeSpan.FromMinutes(10) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Gives a command the options <see cref="RunAsync"/> reads.</summary>
    public static void AddOptions(Command command)
    {
        command.Options.Add(s_http);
        command.Options.Add(s_tokenFile);
    }

    /// <summary>Connects as the command line says, does the work, and turns every expected failure into a text on standard error and an exit code.</summary>
    public static Task<int> RunAsync(ParseResult parsed, Func<CollectorClient, Task<int>> work, CancellationToken cancellation) => GuardAsync(async () =>
    {
        using CollectorClient client = Connect(parsed);
        return await work(client);
    }, cancellation);

    /// <summary>Does work that may throw <see cref="CommandException"/> or fail to reach a collector.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> work, CancellationToken cancellation)
    {
        try
        {
            return await work();
        }
        catch (CommandException fault)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return fault.Code;
        }
        catch (HttpRequestException fault)
        {
            await Console.Error.WriteLineAsync($"The collector cannot be reached: {fault.Message}");
            return ExitCode.Unreachable;
        }
        catch (HttpIOException)
        {
            await Console.Error.WriteLineAsync("The collector went away in the middle of its answer; what stands above is not all of it.");
            return ExitCode.Unreachable;
        }
        catch (JsonException)
        {
            await Console.Error.WriteLineAsync("What answers there is no collector, or one of another version: its answer is not the JSON that is expected.");
            return ExitCode.Unreachable;
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("The collector did not answer within 10 minutes.");
            return ExitCode.Unreachable;
        }
    }

    /// <summary>The collector the command line names, or the only one that runs here.</summary>
    /// <exception cref="CommandException">None runs, several run and none is named, or its token cannot be read.</exception>
    public static CollectorClient Connect(ParseResult parsed)
    {
        string? address = parsed.GetValue(s_http), tokenFile = parsed.GetValue(s_tokenFile);
        IReadOnlyList<StateFile> running = address is not null && tokenFile is not null ? [] : StateFile.FindRunning();
        if (address is null)
        {
            StateFile[] reachable = [.. running.Where(collector => collector.Http is not null)];
            if (reachable.Length == 0)
            {
                throw new CommandException(running.Count > 0
                    ? $"The collector over '{running[0].Data}' has no HTTP endpoint to ask. Start it with --http HOST:PORT."
                    : "No collector runs on this machine. Start one with 'telemetry up', or name one with --http HOST:PORT.", ExitCode.Unreachable);
            }

            if (reachable.Length > 1)
            {
                throw new CommandException($"{reachable.Length} collectors run here; choose one with --http:\n" + string.Join('\n', reachable.Select(one => $"  --http {one.Http}   data {one.Data}")));
            }

            (address, tokenFile) = (reachable[0].Http!, tokenFile ?? reachable[0].TokenFile);
        }

        tokenFile ??= running.FirstOrDefault(one => one.Http is not null && address.TrimEnd('/').EndsWith(one.Http, StringComparison.Ordinal))?.TokenFile
            ?? throw new CommandException($"No token is known for {address}; name its file with --token-file (operator.token in the collector's data folder).");
        return new CollectorClient(address, ReadToken(tokenFile));
    }

    /// <summary>Calls a method of the contract.</summary>
    /// <param name="path">E.g. <c>v1/registry/PutBrand</c>.</param>
    /// <param name="request">Its message.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<TResponse> CallAsync<TResponse>(string path, IMessage request, CancellationToken cancellation)
        where TResponse : IMessage<TResponse>, new()
    {
        using StringContent body = new(JsonFormatter.Default.Format(request), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _http.PostAsync(path, body, cancellation);
        await EnsureDoneAsync(answer, path, cancellation);
        return s_parser.Parse<TResponse>(await answer.Content.ReadAsStringAsync(cancellation));
    }

    /// <summary>Posts a JSON object and reads the answer as a JSON document.</summary>
    public async Task<JsonDocument> PostAsync(string path, object request, CancellationToken cancellation)
    {
        await using Stream answer = await PostStreamAsync(path, request, "application/json", cancellation);
        return await JsonDocument.ParseAsync(answer, cancellationToken: cancellation);
    }

    /// <summary>Posts a JSON object and hands out the answer as it comes; its owner disposes it.</summary>
    /// <param name="path">E.g. <c>v1/query/Samples</c>.</param>
    /// <param name="request">Serialized as JSON.</param>
    /// <param name="accept">Media type asked for.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<Stream> PostStreamAsync(string path, object request, string accept, CancellationToken cancellation) =>
        await (await PostForAnswerAsync(path, request, accept, cancellation)).Content.ReadAsStreamAsync(cancellation);

    /// <summary>As <see cref="PostStreamAsync"/>, with the answer's headers; its owner disposes it.</summary>
    public async Task<HttpResponseMessage> PostForAnswerAsync(string path, object request, string accept, CancellationToken cancellation)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, path) { Content = JsonContent.Create(request) };
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        HttpResponseMessage answer = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
        await EnsureDoneAsync(answer, path, cancellation);
        return answer;
    }

    /// <summary>Reads a resource as a JSON document.</summary>
    public async Task<JsonDocument> GetAsync(string path, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await _http.GetAsync(path, cancellation);
        await EnsureDoneAsync(answer, path, cancellation);
        return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _http.Dispose();

    // The collector says what is wrong in {"error": "..."}; that text is what the user needs.
    private static async Task EnsureDoneAsync(HttpResponseMessage answer, string path, CancellationToken cancellation)
    {
        if (answer.IsSuccessStatusCode) return;
        string text = await answer.Content.ReadAsStringAsync(cancellation);
        answer.Dispose();
        int code = answer.StatusCode switch
        {
            HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout or HttpStatusCode.InternalServerError => ExitCode.Unreachable,
            HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests => ExitCode.NotSo,
            _ => ExitCode.BadInput,
        };
        throw new CommandException(TryReadError(text) ?? $"The collector answered {(int)answer.StatusCode} to {path}.", code);
    }

    private static string? TryReadError(string text)
    {
        try
        {
            using JsonDocument body = JsonDocument.Parse(text);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("error", out JsonElement error) ? error.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string ReadToken(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } token ? token : throw new CommandException($"The token file '{file}' is empty; one line with the operator token is expected.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"The token file '{file}' cannot be read: {fault.Message}");
        }
    }
}
