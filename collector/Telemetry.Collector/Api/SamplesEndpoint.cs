using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Series;
using Telemetry.Grpc;
using Telemetry.Wire.V1;
using Step = Telemetry.Collector.Series.SampleStep;

namespace Telemetry.Collector.Api;

/// <summary>
/// Samples, or steps of them: over HTTP in the <see cref="SampleFormat"/> that <c>accept</c> names, with the place of the next page in the header
/// <c>telemetry-next-page</c>; over gRPC in messages of at most 1000 rows.
/// </summary>
internal static class SamplesEndpoint
{
    private const int FlushBytes = 64 * 1024;
    private const int RowsAMessage = 1000;

    /// <summary>Maps <c>POST /v1/query/Samples</c>.</summary>
    public static void Map(IEndpointRouteBuilder routes, DataFolder folder, SampleQueries queries) =>
        routes.MapPost("/v1/query/Samples", context => HttpApi.GuardAsync(context, folder, () => AnswerAsync(context, queries)));

    /// <summary>Registers <c>telemetry.v1.Query/Samples</c>.</summary>
    public static void AddTo(GrpcMethods methods, GrpcAuthorization authorization, SampleQueries queries) =>
        methods.ServerStreaming<SamplesRequest, SamplesPage>("telemetry.v1.Query/Samples", (request, _) => MessagesAsync(request, queries), authorization);

    private static async Task AnswerAsync(HttpContext context, SampleQueries queries)
    {
        SamplesRequest request = (SamplesRequest)await HttpApi.ReadAsync(context, SamplesRequest.Parser);
        SampleFormat format = SampleFormat.For(context.Request.Headers.Accept.ToString());
        if (request.StepMs == 0)
        {
            (IEnumerable<SampleRow> rows, string next) = await ApiFaults.TranslateAsync(() => ValueTask.FromResult(Ask(request, queries.Read, queries.ReadPage)));
            await WriteAsync(context, format, isSteps: false, rows, next, (output, row) => format.Write(output, row));
        }
        else
        {
            (IEnumerable<Step> steps, string next) = await ApiFaults.TranslateAsync(() => ValueTask.FromResult(Ask(request, queries.ReadSteps, queries.ReadStepsPage)));
            await WriteAsync(context, format, isSteps: true, steps, next, (output, step) => format.Write(output, step));
        }
    }

    private static (IEnumerable<T> Rows, string Next) Ask<T>(SamplesRequest request, Func<SamplesRequest, IEnumerable<T>> all, Func<SamplesRequest, SamplePage<T>> page)
    {
        if (request.Limit == 0 && request.Page.Length == 0) return (all(request), "");
        SamplePage<T> one = page(request);
        return (one.Rows, one.Next);
    }

    private static async Task WriteAsync<T>(HttpContext context, SampleFormat format, bool isSteps, IEnumerable<T> rows, string next, Action<PipeWriter, T> write)
    {
        context.Response.ContentType = format.MediaType;
        if (next.Length > 0) context.Response.Headers["telemetry-next-page"] = next;
        PipeWriter output = context.Response.BodyWriter;
        Encoding.UTF8.GetBytes(format.HeaderOf(isSteps), output);
        foreach (T row in rows)
        {
            write(output, row);
            if (output.UnflushedBytes >= FlushBytes) await output.FlushAsync(context.RequestAborted);
        }

        await output.FlushAsync(context.RequestAborted);
    }

    private static async IAsyncEnumerable<SamplesPage> MessagesAsync(SamplesRequest request, SampleQueries queries)
    {
        (IEnumerable<Sample> samples, string next) = await ApiFaults.TranslateForGrpcAsync(() => ValueTask.FromResult(Samples(request, queries)));
        foreach (Sample[] chunk in samples.Chunk(RowsAMessage)) yield return new SamplesPage { Samples = { chunk } };
        if (next.Length > 0) yield return new SamplesPage { NextPage = next };
    }

    private static (IEnumerable<Sample> Samples, string Next) Samples(SamplesRequest request, SampleQueries queries)
    {
        if (request.StepMs == 0)
        {
            (IEnumerable<SampleRow> rows, string next) = Ask(request, queries.Read, queries.ReadPage);
            return (rows.Select(ToMessage), next);
        }

        (IEnumerable<Step> steps, string nextStep) = Ask(request, queries.ReadSteps, queries.ReadStepsPage);
        return (steps.Select(ToMessage), nextStep);
    }

    private static Sample ToMessage(SampleRow row) => new()
    {
        Brand = row.Device.Brand, Device = row.Device.Device, Signal = row.Signal.Key, UnixMs = row.UnixMs, Value = row.Value, ErrorMs = row.ErrorMs, Quality = row.Quality,
    };

    private static Sample ToMessage(Step step) => new()
    {
        Brand = step.Device.Brand, Device = step.Device.Device, Signal = step.Signal.Key, UnixMs = step.UnixMs, Value = step.Mean, ErrorMs = step.ErrorMs, Quality = step.Quality,
        Step = new Wire.V1.SampleStep { Count = (ulong)step.Count, Min = step.Min, Max = step.Max, Last = step.Last, Sum = step.Sum },
    };
}
