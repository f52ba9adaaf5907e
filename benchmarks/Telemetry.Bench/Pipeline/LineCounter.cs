using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Telemetry.Bench.Pipeline;

/// <summary>An InfluxDB that takes every line, counts it and keeps none: what is measured is the sink, not a database.</summary>
internal sealed class LineCounter : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _lines;

    private LineCounter(WebApplication app) => _app = app;

    public Uri Url => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Lines taken so far.</summary>
    public long Lines => Interlocked.Read(ref _lines);

    public static async Task<LineCounter> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        LineCounter counter = new(app);
        app.Run(counter.TakeAsync);
        await app.StartAsync();
        return counter;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        if (!context.Request.Path.StartsWithSegments("/write", StringComparison.Ordinal)) return;
        while (true)
        {
            ReadResult read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
            foreach (ReadOnlyMemory<byte> part in read.Buffer) Interlocked.Add(ref _lines, part.Span.Count((byte)'\n'));
            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return;
        }
    }
}
