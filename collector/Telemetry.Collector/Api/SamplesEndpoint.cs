using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Series;
using Telemetry.Grpc;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>Streams samples: over HTTP as JSON lines or CSV (by <c>accept: text/csv</c>), over gRPC in pages.</summary>
internal static class SamplesEndpoint
{
    private const int FlushBytes = 64 * 1024;
    private const int RowsAPage = 1000;

    /// <summary>Maps <c>POST /v1/query/Samples</c>.</summary>
    public static void Map(IEndpointRouteBuilder routes, DataFolder folder, SampleQueries queries) =>
        routes.MapPost("/v1/query/Samples", context => HttpApi.GuardAsync(context, folder, () => AnswerAsync(context, queries)));

    /// <summary>Registers <c>telemetry.v1.Query/Samples</c>.</summary>
    public static void AddTo(GrpcMethods methods, GrpcAuthorization authorization, SampleQueries queries) =>
        methods.ServerStreaming<SamplesRequest, SamplesPage>("telemetry.v1.Query/Samples", (request, _) => PagesAsync(request, queries), authorization);

    private static async Task AnswerAsync(HttpContext context, SampleQueries queries)
    {
        SamplesRequest request = (SamplesRequest)await HttpApi.ReadAsync(context, SamplesRequest.Parser);
        IEnumerable<SampleRow> rows = await ApiFaults.TranslateAsync(() => ValueTask.FromResult(queries.Read(request)));

        bool asCsv = context.Request.Headers.Accept.ToString().Contains("text/csv", StringComparison.OrdinalIgnoreCase);
        context.Response.ContentType = asCsv ? "text/csv; charset=utf-8" : "application/x-ndjson";
        System.IO.Pipelines.PipeWriter output = context.Response.BodyWriter;
        if (asCsv) Encoding.UTF8.GetBytes(SampleFormat.CsvHeader, output);
        Action<SampleRow> write = asCsv ? SampleFormat.Csv(output) : SampleFormat.JsonLines(output);
        foreach (SampleRow row in rows)
        {
            write(row);
            if (output.UnflushedBytes >= FlushBytes) await output.FlushAsync(context.RequestAborted);
        }

        await output.FlushAsync(context.RequestAborted);
    }

    private static async IAsyncEnumerable<SamplesPage> PagesAsync(SamplesRequest request, SampleQueries queries)
    {
        IEnumerable<SampleRow> rows;
        try
        {
            rows = await ApiFaults.TranslateAsync(() => ValueTask.FromResult(queries.Read(request)));
        }
        catch (ApiException fault)
        {
            throw new GrpcException(ApiFaults.ToGrpc(fault.Fault), fault.Message);
        }

        foreach (SampleRow[] chunk in rows.Chunk(RowsAPage))
        {
            SamplesPage page = new();
            page.Samples.AddRange(chunk.Select(row => new Sample
            {
                Brand = row.Device.Brand,
                Device = row.Device.Device,
                Signal = row.Signal.Key,
                UnixMs = row.UnixMs,
                Value = row.Value,
                ErrorMs = row.ErrorMs,
                Quality = row.Quality,
            }));
            yield return page;
        }
    }
}
