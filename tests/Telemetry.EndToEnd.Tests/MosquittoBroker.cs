using System.Diagnostics;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A mosquitto that keeps sessions and messages on disk, to be killed and started again over the same folder and port.</summary>
internal sealed class MosquittoBroker : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private ChildProcess? _child;

    /// <summary>Where it listens.</summary>
    public int Port { get; } = ChildProcess.FreePort();

    /// <summary>Everything it printed since its last start.</summary>
    public string Transcript => _child?.Transcript ?? "";

    public static async Task<MosquittoBroker> StartAsync()
    {
        MosquittoBroker broker = new();
        await broker.StartAgainAsync();
        return broker;
    }

    public async Task StartAgainAsync()
    {
        // The queue is not bounded: mosquitto acknowledges a batch to the device and then drops it when a queue is full.
        await File.WriteAllTextAsync(
            _folder["m.conf"],
            $"listener {Port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\nmax_queued_messages 0\npersistence true\npersistence_location {_folder.Path}/\nautosave_interval 0\n");
        _child = ChildProcess.Start(RealParts.PathOf("mosquitto")!, ["-v", "-c", _folder["m.conf"]]);
        await _child.LineAsync(line => line.Contains("running", StringComparison.Ordinal));
    }

    /// <summary>Has it write everything to disk, which it otherwise does at an orderly end only; what it acknowledged after that dies with kill -9.</summary>
    public async Task SaveAsync()
    {
        int before = Transcript.Split('\n').Count(IsSave);
        using Process signal = Process.Start("kill", ["-USR1", $"{_child!.Id}"]);
        await signal.WaitForExitAsync();
        await _child.LineAsync(IsSave, behind: before);

        // The line stands before the writing; a ping answered after it stands behind, because mosquitto does one thing at a time.
        await using BrokerClient probe = await BrokerClient.ConnectAsync(Port, "probe");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        await _child!.DisposeAsync();
        _child = null;
    }

    public async Task KillAndStartAgainAsync()
    {
        await KillAsync();
        await StartAgainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        _folder.Dispose();
    }

    private static bool IsSave(string line) => line.Contains("Saving in-memory database", StringComparison.Ordinal);
}
