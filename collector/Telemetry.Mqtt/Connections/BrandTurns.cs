using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Telemetry.Mqtt.Connections;

/// <summary>
/// Fair queueing between brands: only so many connections of one brand are served at once, the others of it wait in the order they came. The queue in front of the cores
/// then holds a few turns of every brand and not a thousand of the loudest, so a quiet brand's batch, and its acknowledgement, wait for a few turns whoever floods.
/// </summary>
/// <remarks>Thread-safe; waiting allocates nothing. A turn is short and waits for nothing: reading what one receive brought, or writing the acknowledgements of one flush.</remarks>
internal sealed class BrandTurns : IValueTaskSource
{
    private readonly Lock _gate = new();
    private readonly Queue<(Action<object?> Continue, object? State)> _waiting = new();
    private int _free;

    /// <param name="atOnce">Connections served at once; from 1.</param>
    public BrandTurns(int atOnce) => _free = atOnce;

    /// <summary>Completes when it is the caller's turn, which it ends by <see cref="Return"/>. To be awaited at once.</summary>
    public ValueTask TakeAsync() => TryTake() ? default : new ValueTask(this, token: 0);

    /// <summary>Ends a turn: the next one of the brand goes behind what already waits for a core.</summary>
    public void Return()
    {
        (Action<object?> Continue, object? State) next;
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out next))
            {
                _free++;
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(next.Continue, next.State, preferLocal: false);
    }

    // Every wait is the same source: all there is to know of one is how it goes on.
    void IValueTaskSource.GetResult(short token)
    {
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => ValueTaskSourceStatus.Pending;

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        lock (_gate)
        {
            if (_free == 0)
            {
                _waiting.Enqueue((continuation, state));
                return;
            }

            _free--; // one ended since
        }

        ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: false);
    }

    private bool TryTake()
    {
        lock (_gate)
        {
            if (_free == 0) return false;
            _free--;
            return true;
        }
    }
}

/// <summary>The turns of every brand that has been here: bounded by the registry.</summary>
internal sealed class TurnsByBrand
{
    private readonly ConcurrentDictionary<uint, BrandTurns> _brands = new();

    /// <summary>Of a brand; 0 = sessions that are no device's.</summary>
    public BrandTurns Of(uint brandKey) => _brands.GetOrAdd(brandKey, static _ => new BrandTurns(Environment.ProcessorCount));
}
