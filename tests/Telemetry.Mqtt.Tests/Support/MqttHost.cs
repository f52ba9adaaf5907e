using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Telemetry.Mqtt.Listening;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Tests;

/// <summary>The endpoint on a real listener of the loopback.</summary>
internal sealed class MqttHost : IAsyncDisposable
{
    private readonly IHost _app;

    private MqttHost(IHost app, ManualIngest ingest, ManualTime? time)
    {
        _app = app;
        Ingest = ingest;
        ManualTime = time;
        Port = app.Services.GetRequiredService<MqttListener>().Address.Port;
        Endpoint = app.Services.GetRequiredService<MqttEndpoint>();
    }

    public ManualIngest Ingest { get; }
    public ManualTime? ManualTime { get; }
    public MqttEndpoint Endpoint { get; }
    public int Port { get; }

    /// <param name="options">Of the endpoint.</param>
    /// <param name="time">Null = the system's clock, for foreign clients.</param>
    /// <param name="isDurableAtOnce">Whether the flush is instant.</param>
    public static async Task<MqttHost> StartAsync(MqttEndpointOptions? options = null, ManualTime? time = null, bool isDurableAtOnce = true)
    {
        ManualIngest ingest = new() { IsDurableAtOnce = isDurableAtOnce };
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton<IIngest>(ingest);
        if (time is not null) builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddMqttEndpoint(options);
        builder.Services.AddMqttListener(new IPEndPoint(IPAddress.Loopback, 0));
        IHost app = builder.Build();
        await app.StartAsync();
        return new MqttHost(app, ingest, time);
    }

    /// <summary>A raw client, not yet connected on the MQTT level.</summary>
    public Task<WireClient> OpenAsync() => WireClient.OpenAsync(Port);

    /// <summary>A connected device of brand "acme", version 5 unless told otherwise.</summary>
    public async Task<WireClient> ConnectAsync(string device = "band-1", byte version = 5, Action<ConnectBytes>? change = null)
    {
        WireClient client = await OpenAsync();
        ConnectBytes connect = ConnectBytes.Of(device, version);
        change?.Invoke(connect);
        await client.SendAsync(connect.ToArray());
        byte[] connack = await client.ReadPacketAsync();
        Assert.Equal(0x20, connack[0]);
        Assert.Equal(0, connack[3]);
        client.Version = version;
        client.IsSessionPresent = connack[2] == 1;
        return client;
    }

    /// <summary>Opens a socket, sends <paramref name="first"/> and expects to be closed without a word, for this reason.</summary>
    public async Task ExpectClosedAsync(byte[] first, EndReason reason)
    {
        await using WireClient client = await OpenAsync();
        await client.SendAsync(first);
        await client.ExpectClosedAsync();
        await EndedAsync(reason);
    }

    /// <summary>Waits until the endpoint has counted an end for this reason.</summary>
    public async Task EndedAsync(EndReason reason, int times = 1)
    {
        using CancellationTokenSource limit = new(TestLimits.Answer);
        while (Endpoint.Counters.Ended(reason) < times)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        _app.Dispose();
    }
}
