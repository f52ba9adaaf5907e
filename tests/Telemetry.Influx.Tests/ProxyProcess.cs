using Telemetry.FaultyProxy;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>The faulty proxy before a server, as a process of its own that can be killed and started again on the same port.</summary>
/// <param name="server">Behind it.</param>
internal sealed class ProxyProcess(Uri server) : IAsyncDisposable
{
    private readonly string _listen = $"127.0.0.1:{ChildProcess.FreePort()}";
    private ChildProcess? _process;
    private int _held;

    public Uri Url => new($"http://{_listen}");

    /// <summary>The faults it told so far, in all its lives.</summary>
    public List<Fault> Faults { get; } = [];

    /// <summary>Starts it.</summary>
    /// <param name="faults"><c>none</c>, <c>seed:NUMBER</c> or <c>FAULT:NUMBER</c>; see its <c>FaultPlan</c>.</param>
    public async Task StartAsync(string faults)
    {
        _process = ChildProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "Telemetry.FaultyProxy.dll"), _listen, server.Authority, faults]);
        _held = 0;
        await _process.LineAsync(line => line.StartsWith("ready ", StringComparison.Ordinal));
    }

    /// <summary>Waits until it holds the next request or answer: until then the server did not get the one, and has done the other.</summary>
    public Task HeldAsync() => _process!.LineAsync(line => FaultOf(line) is Fault.RequestHeld or Fault.AnswerHeld, behind: _held++);

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        await _process!.KillAsync();
        Faults.AddRange(_process.Output.Select(FaultOf).OfType<Fault>());
        await _process.DisposeAsync();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
    }

    private static Fault? FaultOf(string line) => Enum.TryParse(line.Split(' ')[0], out Fault fault) ? fault : null;
}
