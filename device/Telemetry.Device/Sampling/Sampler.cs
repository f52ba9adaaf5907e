using Telemetry.Device.Delivery;
using Telemetry.Device.Spool;

namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// From samples to sealed batches. Signals of one period are gathered into rows and share blocks; whatever does not fit such a row
    /// (irregular signals, a missing neighbour, a value beyond 32 bits, a time that steps back) waits aside and gets a block of its own signal.
    /// </summary>
    /// <remarks>Guarded by the client's store lock. Allocates in the constructor only.</remarks>
    internal sealed partial class Sampler
    {
        /// <summary>Bits of a sample's tag: index in the profile, quality, "recorded now".</summary>
        public const int IndexMask = 0xFF;
        public const int QualityShift = 8;
        public const int QualityMask = 7 << QualityShift;
        public const int FlagNow = 1 << 11;

        /// <summary>The value is not a number, or beyond every integer: counted as out of range.</summary>
        public const int FlagUnscalable = 1 << 12;

        /// <summary>Samples on their way from the thread that owns the ring. The one member that this thread uses without the lock.</summary>
        public SampleRing Ring;

        private const LossReason Kept = 0;

        private readonly Profile _profile;
        private readonly BatchSpool _spool;
        private readonly LossLedger _ledger;
        private readonly WallClock _clock;
        private readonly int _toleranceMs;
        private readonly int _sealIntervalMs;
        private readonly int _offlineSealIntervalMs;
        private readonly BlockGroup[] _groups;
        private readonly BlockPool _pool;
        private CapturePolicy? _policy; // where the profile has one, or a Command
        private long _recorded;
        private long _unchanged;
        private long _open;
        private long _openSinceMs;
        private int _session;

        public Sampler(TelemetryOptions options, Profile profile, BatchSpool spool, LossLedger ledger, WallClock clock)
        {
            _profile = profile;
            _spool = spool;
            _ledger = ledger;
            _clock = clock;
            Ring = new SampleRing(options.RingSamples, profile.Count);
            _toleranceMs = options.TickToleranceMs;
            _sealIntervalMs = options.SealIntervalMs;
            _offlineSealIntervalMs = options.OfflineSealIntervalMs;
            _places = new ushort[profile.Count];
            if (CapturePolicy.IsWanted(profile)) _policy = new CapturePolicy(profile);
            _session = spool.LastSession;
            _mayThin = options.ThinsWhenNearlyFull;
            int groups = FindPlaces();
            _pool = new BlockPool(PoolBytes(options.BatchBytes));
            _groups = new BlockGroup[groups];
            for (int group = 0; group < groups; group++) _groups[group] = MakeGroup(group, options.BlockRows);
            _sideEncoder = new BlockEncoder(1, true, SideRows, _pool);
            _sideEncoder.AddColumn(0, SideSignal, BlockEncoder.KindWide, 0);
            LimitBatches(spool.LastBatchLimit);
        }

        /// <summary>Samples taken since boot.</summary>
        public long Recorded
        {
            get { return _recorded; }
        }

        /// <summary>The session that every sealed batch names to the spool; 0 = none.</summary>
        public int Session
        {
            get { return _session; }
            set { _session = value; }
        }

        /// <summary>Values that said nothing new and were not recorded.</summary>
        public long Unchanged
        {
            get { return _unchanged; }
        }

        /// <summary>Samples that are not sealed.</summary>
        public long Open
        {
            get { return _open; }
        }

        /// <summary>Takes over everything the ring holds; events are sealed at once.</summary>
        public void Drain()
        {
            while (Ring.TryRead(out int tag, out long value, out long timeMs)) Take(tag, value, timeMs);
            if (_asideEvents > 0) SealEvents();
        }

        /// <summary>Takes one sample past the ring.</summary>
        public void Put(int tag, long value, long timeMs)
        {
            Take(tag, value, timeMs);
            if (_asideEvents > 0) SealEvents();
        }

        /// <summary>Seals what is open when its time has come.</summary>
        /// <param name="nowMs">Uptime.</param>
        /// <param name="isOutOfReach">The collector cannot be reached: a fuller batch serves better than a fresh one.</param>
        /// <returns>Milliseconds until the next seal is due; a large number when nothing is open.</returns>
        public int Tick(long nowMs, bool isOutOfReach)
        {
            if (_open == 0) return int.MaxValue;
            int interval = isOutOfReach && _offlineSealIntervalMs > _sealIntervalMs ? _offlineSealIntervalMs : _sealIntervalMs;
            long due = _openSinceMs + interval - nowMs;
            if (due > 0) return due > int.MaxValue ? int.MaxValue : (int)due;
            SealAll();
            return int.MaxValue;
        }

        /// <summary>Seals everything that is open, and losses that no batch has told.</summary>
        public DeviceStatus SealAll()
        {
            for (int i = 0; i < _groups.Length; i++) Scatter(_groups[i]);
            return SealOpen();
        }

        /// <summary>The erasure fence: drops everything that is open or spooled, and begins a new epoch.</summary>
        public void Erase(Platform.Chance chance)
        {
            for (int i = 0; i < _groups.Length; i++)
            {
                Scatter(_groups[i]);
                _groups[i].Carries = 0;
                LoseRows(_groups[i], LossReason.Erased);
                _groups[i].Reset();
            }

            LoseAside(LossReason.Erased);
            _session = 0;
            _ledger.CountErased(_spool.HeldSamples);
            _spool.BeginEpoch(chance);
        }

        /// <summary>Takes at most one sample of a signal in <paramref name="periodMs"/> from now on; see <see cref="CapturePolicy.SetPeriod"/>.</summary>
        public void SetPeriod(int index, int periodMs)
        {
            if (_policy == null) _policy = new CapturePolicy(_profile);
            _policy.SetPeriod(index, periodMs);
        }

        /// <summary>What the present Command asks of a signal: a period, 0 = none of it (also: consent is withdrawn), or <see cref="CapturePolicy.NoPeriod"/>.</summary>
        public int WantedPeriodMs(int index)
        {
            if ((_places[index] & WithdrawnFlag) != 0) return 0;
            return _policy == null ? CapturePolicy.NoPeriod : _policy.PeriodMs(index);
        }

        /// <summary>Forgets what Commands asked for: all signals have consent and their profile's rates.</summary>
        public void ClearOrders()
        {
            for (int i = 0; i < _places.Length; i++) _places[i] = (ushort)(_places[i] & ~WithdrawnFlag);
            _policy?.ClearPeriods();
        }

        private void Take(int tag, long value, long timeMs)
        {
            int index = tag & IndexMask;
            SignalKind kind = _profile.KindAt(index);
            LossReason loss = LossOf(tag, index, kind, value);
            if (loss == Kept && _policy != null)
            {
                CaptureFate fate = _policy.Judge(index, kind, value, timeMs);
                if (fate == CaptureFate.Unchanged)
                {
                    _unchanged++;
                    return;
                }

                if (fate == CaptureFate.TooSoon) loss = LossReason.RateLimited;
            }

            _recorded++;
            _open++;
            if (_open == 1) _openSinceMs = _clock.UptimeMs;
            if (loss != Kept)
            {
                Lose(index, loss, 1);
                return;
            }

            int quality = (tag & QualityMask) >> QualityShift;
            int group = _places[index] >> GroupShift;
            bool fits = group != NoGroup && (kind == SignalKind.Real || value == (int)value);
            if (fits) Gather(_groups[group], _places[index] & ColumnMask, value, timeMs, quality, (tag & FlagNow) != 0);
            else PutAside(index, value, timeMs, quality);
        }

        private LossReason LossOf(int tag, int index, SignalKind kind, long value)
        {
            if ((_places[index] & WithdrawnFlag) != 0) return LossReason.Consent;
            if ((tag & FlagUnscalable) != 0) return LossReason.OutOfRange;
            return kind == SignalKind.Real || IsInRange(index, value) ? Kept : LossReason.OutOfRange;
        }

        private bool IsInRange(int index, long value)
        {
            int[]? least = _profile.Minimums;
            int[]? most = _profile.Maximums;
            if (least != null && value < least[index] && least[index] != int.MinValue) return false;
            return most == null || value <= most[index] || most[index] == int.MaxValue;
        }

        private void Gather(BlockGroup group, int column, long value, long timeMs, int quality, bool isNow)
        {
            uint bit = 1u << column;
            if (group.Present != 0)
            {
                long apart = timeMs - group.RowMs;
                bool sameRow = apart == 0 || (isNow && apart > 0 && apart <= _toleranceMs);
                if (!sameRow || (group.Present & bit) != 0 || group.Quality != quality) Scatter(group);
            }

            if ((group.Carries & bit) != 0)
            {
                group.Carries &= ~bit;
                value += group.ValueSet(column);
                if (value != (int)value)
                {
                    PutAside(group.SignalAt(column), value, timeMs, quality);
                    return;
                }
            }

            if (group.Present == 0)
            {
                group.RowMs = timeMs;
                group.Quality = (byte)quality;
            }

            group.SetWide(column, value);
            group.Present |= bit;
            if (group.IsRowComplete && !IsLeftOut(group) && !group.TryAddGathered()) AddRowElsewhere(group);
        }

        // A row of an earlier time than the last has no place in a block, a small batch each would be dear; any other begins the next one.
        private void AddRowElsewhere(BlockGroup group)
        {
            if (group.IsBehind(group.RowMs))
            {
                Scatter(group);
                return;
            }

            SealOpen();
            group.TryAddGathered(); // an empty block takes any row
        }

        // A row that will not be complete: its values go their own ways, with their time.
        private void Scatter(BlockGroup group)
        {
            for (int column = 0; group.Present != 0; column++)
            {
                if ((group.Present & (1u << column)) == 0) continue;
                group.Present &= ~(1u << column);
                PutAside(group.SignalAt(column), group.ValueSet(column), group.RowMs, group.Quality);
            }
        }

        private void Lose(int index, LossReason reason, long samples)
        {
            _open -= samples;
            _ledger.Add(_profile.IdAt(index), (byte)reason, samples);
        }

        private void LoseRows(BlockGroup group, LossReason reason)
        {
            for (int column = 0; column < group.ColumnCount; column++) Lose(group.SignalAt(column), reason, group.RowCount);
        }
    }
}
