using Telemetry.Ingest.DeadLetters;
using Telemetry.Log;

namespace Telemetry.Ingest;

/// <content>Erasure: what was taken goes again, from the log and from the list of dead letters.</content>
public sealed partial class IngestService
{
    /// <summary>Removes batches and dead letters for good. Fence their epochs in the registry first: a batch that comes later is then refused (ErasedEpoch).</summary>
    /// <param name="selections">Which; any that names a record makes it go.</param>
    /// <param name="cancellation">Ends it between two segments of the log; call again for the rest.</param>
    /// <returns>The counts for the receipt, once no crash can bring anything back.</returns>
    /// <exception cref="IOException">The disk refuses; call again for the rest.</exception>
    public async Task<LogErasure> EraseAsync(IReadOnlyList<LogSelection> selections, CancellationToken cancellation = default)
    {
        ILookup<uint, LogSelection> byDevice = selections.ToLookup(selection => selection.DeviceKey);
        uint[] devices = [.. byDevice.Select(device => device.Key)];

        // A batch that passed the fence just before it stood is appended once its shard's lock was free.
        foreach (IngestShard shard in devices.Select(ShardOf).Distinct())
        {
            lock (shard.Lock)
            {
            }
        }

        LogErasure erased = await _log.EraseAsync(devices, record => byDevice[record.DeviceKey].Any(selection => selection.Selects(record)), cancellation).ConfigureAwait(false);
        foreach ((UInt128 key, DeadLetter letter) in _book.List())
        {
            if (byDevice.Contains(letter.DeviceKey) && letter.Position < _log.DurablePosition && ReadDeadLetter(letter) is null) _book.Remove(key);
        }

        return erased;
    }
}
