using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Telemetry.Collector.Lifetime;

namespace Telemetry.Collector.Api;

/// <summary>The JSON edge: <c>POST /v1/{service}/{Method}</c> in the protobuf JSON mapping, behind the operator token.</summary>
internal static class HttpApi
{
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>Maps each method of <paramref name="methods"/> under the last word of its service in lower case.</summary>
    public static void Map(IEndpointRouteBuilder routes, DataFolder folder, IEnumerable<ApiMethod> methods)
    {
        foreach (ApiMethod method in methods)
        {
            string service = method.Service[(method.Service.LastIndexOf('.') + 1)..].ToLowerInvariant();
            routes.MapPost($"/v1/{service}/{method.Name}", context => GuardAsync(context, folder, () => AnswerAsync(context, method)));
        }
    }

    /// <summary>Checks the token, runs the work, and turns a caller's fault into a status and <c>{"error": "..."}</c>.</summary>
    public static async Task GuardAsync(HttpContext context, DataFolder folder, Func<Task> work)
    {
        try
        {
            if (!IsOperator(context.Request, folder))
            {
                throw new ApiException(ApiFault.Unauthenticated, "The operator token is missing or wrong; send 'authorization: Bearer TOKEN' with the token of operator.token in the data folder.");
            }

            await work();
        }
        catch (ApiException fault) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = (int)fault.Fault;
            await context.Response.WriteAsJsonAsync(new { error = fault.Message }, context.RequestAborted);
        }
        catch (BadHttpRequestException fault) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = fault.StatusCode; // a body above the limit, or one that ends early
            await context.Response.WriteAsJsonAsync(new { error = fault.Message }, context.RequestAborted);
        }
    }

    /// <summary>Reads the request's JSON body as a message.</summary>
    /// <exception cref="ApiException">When it is not one.</exception>
    public static async Task<IMessage> ReadAsync(HttpContext context, MessageParser parser)
    {
        using StreamReader body = new(context.Request.Body, Encoding.UTF8);
        string json = await body.ReadToEndAsync(context.RequestAborted);
        try
        {
            return parser.ParseJson(string.IsNullOrWhiteSpace(json) ? "{}" : json);
        }
        catch (Exception fault) when (fault is InvalidProtocolBufferException or InvalidJsonException or FormatException)
        {
            throw new ApiException(ApiFault.Invalid, $"The body is not a {context.Request.Path.Value} request: {fault.Message}");
        }
    }

    private static async Task AnswerAsync(HttpContext context, ApiMethod method)
    {
        IMessage answer = await method.HandleAsync(await ReadAsync(context, method.Parser), context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(s_formatter.Format(answer), context.RequestAborted);
    }

    private static bool IsOperator(HttpRequest request, DataFolder folder)
    {
        string header = request.Headers.Authorization.ToString();
        return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && folder.IsOperator(header.AsSpan(7).Trim());
    }
}
