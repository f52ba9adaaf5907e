using System.Collections.Concurrent;

namespace Telemetry.Ingest.Admission;

/// <summary>
/// Who may still put bytes into the log's buffer. Below half full everyone may. Above, a brand may up to its share: the buffer
/// divided by the brands active in this flush group and the one before, and one more, so a newcomer always finds room.
/// </summary>
/// <remarks>Thread-safe, without locks. Counts start anew with each flush group, so nothing is ever given back.</remarks>
internal sealed class BrandShares(int bufferBytes)
{
    private readonly ConcurrentDictionary<uint, BrandUse> _brands = new();
    private ActiveBrands _active = new(0, 0);

    public bool Admits(uint brandKey, long group, int waitingBytes, int bytes)
    {
        if (waitingBytes + bytes <= bufferBytes / 2) return true;
        long used = UseOf(brandKey).BytesIn(group);
        return used + bytes <= bufferBytes / (ActiveIn(group).Share + 1);
    }

    public void Charge(uint brandKey, long group, int bytes)
    {
        if (UseOf(brandKey).Add(group, bytes)) Interlocked.Increment(ref ActiveIn(group).Count);
    }

    private BrandUse UseOf(uint brandKey) => _brands.TryGetValue(brandKey, out BrandUse? use) ? use : _brands.GetOrAdd(brandKey, static _ => new BrandUse());

    private ActiveBrands ActiveIn(long group)
    {
        ActiveBrands active = Volatile.Read(ref _active);
        if (active.Group == group) return active;
        ActiveBrands next = new(group, active.Count);
        ActiveBrands found = Interlocked.CompareExchange(ref _active, next, active);
        return ReferenceEquals(found, active) ? next : found;
    }

    private sealed class ActiveBrands(long group, int before)
    {
        public int Count;

        public long Group { get; } = group;

        public int Share => Math.Max(1, Math.Max(Volatile.Read(ref Count), before));
    }

    private sealed class BrandUse
    {
        private long _group = -1;
        private long _bytes;

        public long BytesIn(long group) => Volatile.Read(ref _group) == group ? Volatile.Read(ref _bytes) : 0;

        /// <returns>True for the first bytes of the brand in this group.</returns>
        public bool Add(long group, int bytes)
        {
            long before = Volatile.Read(ref _group);
            bool isFirst = before != group && Interlocked.CompareExchange(ref _group, group, before) == before;
            if (isFirst) Interlocked.Exchange(ref _bytes, bytes);
            else Interlocked.Add(ref _bytes, bytes);
            return isFirst;
        }
    }
}
