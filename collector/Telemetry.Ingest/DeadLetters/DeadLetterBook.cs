using System.Buffers.Binary;
using System.Security.Cryptography;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.DeadLetters;

/// <summary>A batch that was kept but not understood.</summary>
/// <param name="Position">Where it stands in the log, verbatim.</param>
/// <param name="DeviceKey">Whose it is.</param>
/// <param name="Reason">Why it is not in the series.</param>
/// <param name="ReceivedUnixMs">When it came.</param>
/// <param name="Bytes">Its length.</param>
public readonly record struct DeadLetter(long Position, uint DeviceKey, RefusalReason Reason, long ReceivedUnixMs, int Bytes);

/// <summary>
/// The dead letters that are not settled yet, so that each is kept once and replayed once. A letter with a readable header goes by
/// (device, epoch, seq); any other by a hash of its bytes, the newest <see cref="MaxUnreadable"/> of them.
/// </summary>
/// <remarks>Thread-safe. Its lock is the last in the order: shard, book.</remarks>
internal sealed class DeadLetterBook
{
    /// <summary>Unreadable letters that a repetition is recognized of; older ones stay in the log, and a repetition of one is kept again.</summary>
    public const int MaxUnreadable = 65_536;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, DeadLetter> _letters = [];
    private readonly Queue<UInt128> _unreadable = new();
    private int _replayable;

    /// <summary>Letters that wait for their profile.</summary>
    public int ReplayableCount => Volatile.Read(ref _replayable);

    public int Count
    {
        get
        {
            lock (_lock) return _letters.Count;
        }
    }

    public static UInt128 KeyOf(uint deviceKey, uint epoch, ulong seq) => new(((ulong)deviceKey << 32) | epoch, seq);

    public static UInt128 KeyOf(uint deviceKey, ReadOnlySpan<byte> batch)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(batch, hash);
        UInt128 key = BinaryPrimitives.ReadUInt128LittleEndian(hash);
        return key ^ deviceKey;
    }

    public bool TryGet(UInt128 key, out DeadLetter letter)
    {
        lock (_lock) return _letters.TryGetValue(key, out letter);
    }

    public void Add(UInt128 key, in DeadLetter letter)
    {
        lock (_lock)
        {
            if (!_letters.TryAdd(key, letter)) return;
            if (letter.Reason == RefusalReason.UnknownProfile)
            {
                _replayable++;
                return;
            }

            _unreadable.Enqueue(key);
            if (_unreadable.Count > MaxUnreadable) _letters.Remove(_unreadable.Dequeue());
        }
    }

    public bool Remove(UInt128 key)
    {
        lock (_lock)
        {
            if (!_letters.Remove(key, out DeadLetter letter)) return false;
            if (letter.Reason == RefusalReason.UnknownProfile) _replayable--;
            return true;
        }
    }

    /// <summary>All unsettled letters in log order.</summary>
    public List<KeyValuePair<UInt128, DeadLetter>> List()
    {
        lock (_lock) return [.. _letters.OrderBy(entry => entry.Value.Position)];
    }
}
