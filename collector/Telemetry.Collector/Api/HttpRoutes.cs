using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Telemetry.Ingest;

namespace Telemetry.Collector.Api;

/// <summary>What the HTTP listener answers.</summary>
internal static class HttpRoutes
{
    public static void Map(IEndpointRouteBuilder routes, Rooms rooms)
    {
        routes.MapGet("/healthz", context => context.Response.WriteAsync("alive\n", context.RequestAborted));
        routes.MapGet("/readyz", context => AnswerReadyAsync(context, rooms));
        routes.MapGet("/metrics", context => AnswerMetricsAsync(context, rooms));
        routes.MapGet("/v1/status", context => HttpApi.GuardAsync(context, rooms.Folder, () => context.Response.WriteAsJsonAsync(StatusOf(rooms), context.RequestAborted)));
        SamplesEndpoint.Map(routes, rooms.Folder, rooms.Samples);
        ExportEndpoint.Map(routes, rooms.Folder, rooms.Export);
        HttpApi.Map(routes, rooms.Folder, ApiTable.Of(rooms));
        routes.MapFallback("/v1/{**path}", context => HttpApi.GuardAsync(context, rooms.Folder, () => throw new ApiException(
            ApiFault.NotFound, $"There is no {context.Request.Method} {context.Request.Path}; ask as in POST /v1/query/Samples or GET /v1/status, the README of Telemetry.Collector lists them.")));
    }

    private static Task AnswerReadyAsync(HttpContext context, Rooms rooms)
    {
        IReadOnlyList<string> reasons = rooms.Readiness.Reasons();
        context.Response.StatusCode = reasons.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(reasons.Count == 0 ? "ready\n" : string.Join('\n', reasons) + "\n", context.RequestAborted);
    }

    private static Task AnswerMetricsAsync(HttpContext context, Rooms rooms)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.WriteAsync(rooms.Metrics.Scrape(), context.RequestAborted);
    }

    private static CollectorStatus StatusOf(Rooms rooms) => new(
        rooms.Log.DurablePosition,
        [.. rooms.Consumers.Select(consumer => new ConsumerStatus(consumer.Name, consumer.Position))],
        rooms.Ingest.Counts,
        rooms.Readiness.Reasons(),
        rooms.Folder.Path);

    private sealed record CollectorStatus(long DurablePosition, IReadOnlyList<ConsumerStatus> Consumers, IngestCounts Batches, IReadOnlyList<string> NotReady, string DataFolder);

    private sealed record ConsumerStatus(string Name, long Position);
}
