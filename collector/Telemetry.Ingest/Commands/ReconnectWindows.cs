using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Commands;

/// <summary>
/// The window devices draw their reconnects from, and who must hear that it grew. Each Command carries the window of its moment; a device that stays connected is told
/// anew once the fleet outgrew by a quarter what it was told, at the pace at which devices are accepted. So a fleet that grows to N is told at most 5 N times in all, and
/// one that falls at the worst moment comes back at 1.25 times the rate.
/// </summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="countDevices">The fleet.</param>
/// <param name="acceptsPerSecond">Devices the collector can welcome a second.</param>
/// <param name="board">Who is connected.</param>
/// <param name="time">Clock of the pace.</param>
internal sealed class ReconnectWindows(Func<long> countDevices, int acceptsPerSecond, CommandBoard board, TimeProvider time) : IDisposable
{
    private const double Outgrown = 1.25;

    // A tenth of a second's worth at once; one where that is less than a device.
    private readonly int _toldAtOnce = Math.Max(1, acceptsPerSecond / 10);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task _telling = Task.CompletedTask;
    private bool _isTelling;
    private int _toldMs = FleetSpread.WindowMs(countDevices(), acceptsPerSecond); // nobody who is connected was told less

    /// <summary>The window now, in milliseconds.</summary>
    public int WindowMs => FleetSpread.WindowMs(countDevices(), acceptsPerSecond);

    /// <summary>The fleet has a device more. Never waits.</summary>
    public void OnDeviceAdded()
    {
        lock (_gate)
        {
            if (!_isTelling && TryBegin()) _telling = Task.Run(TellAsync);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isTelling = true; // and nobody begins any more
            _closing.Cancel();
        }

        _telling.GetAwaiter().GetResult();
        _closing.Dispose();
    }

    // Noted before anybody is told: who connects meanwhile is told no less.
    private bool TryBegin()
    {
        lock (_gate)
        {
            int windowMs = WindowMs;
            _isTelling = windowMs >= _toldMs * Outgrown;
            if (_isTelling) _toldMs = windowMs;
            return _isTelling;
        }
    }

    private async Task TellAsync()
    {
        TimeSpan pause = TimeSpan.FromSeconds((double)_toldAtOnce / acceptsPerSecond);
        do
        {
            foreach (Action[] listeners in board.Listeners().Chunk(_toldAtOnce))
            {
                foreach (Action tell in listeners) tell();
                await Task.Delay(pause, time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (_closing.IsCancellationRequested) return;
            }
        }
        while (TryBegin());
    }
}
