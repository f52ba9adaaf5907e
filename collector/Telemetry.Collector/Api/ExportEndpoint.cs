using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Rights;
using Telemetry.Grpc;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>Streams everything of a user: over HTTP one JSON object a line, over gRPC message by message.</summary>
internal static class ExportEndpoint
{
    private const int FlushBytes = 64 * 1024;
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>Maps <c>POST /v1/rights/Export</c>.</summary>
    public static void Map(IEndpointRouteBuilder routes, DataFolder folder, UserExport export) =>
        routes.MapPost("/v1/rights/Export", context => HttpApi.GuardAsync(context, folder, () => AnswerAsync(context, export)));

    /// <summary>Registers <c>telemetry.v1.Rights/Export</c>.</summary>
    public static void AddTo(GrpcMethods methods, GrpcAuthorization authorization, UserExport export) =>
        methods.ServerStreaming<ExportRequest, ExportItem>("telemetry.v1.Rights/Export", (request, _) => ItemsAsync(request, export), authorization);

    private static async Task AnswerAsync(HttpContext context, UserExport export)
    {
        ExportRequest request = (ExportRequest)await HttpApi.ReadAsync(context, ExportRequest.Parser);
        IEnumerable<ExportItem> items = await ApiFaults.TranslateAsync(() => ValueTask.FromResult(export.Read(request)));

        context.Response.ContentType = "application/x-ndjson";
        System.IO.Pipelines.PipeWriter output = context.Response.BodyWriter;
        foreach (ExportItem item in items)
        {
            Encoding.UTF8.GetBytes(s_formatter.Format(item) + "\n", output);
            if (output.UnflushedBytes >= FlushBytes) await output.FlushAsync(context.RequestAborted);
        }

        await output.FlushAsync(context.RequestAborted);
    }

    private static async IAsyncEnumerable<ExportItem> ItemsAsync(ExportRequest request, UserExport export)
    {
        foreach (ExportItem item in await ApiFaults.TranslateForGrpcAsync(() => ValueTask.FromResult(export.Read(request)))) yield return item;
    }
}
