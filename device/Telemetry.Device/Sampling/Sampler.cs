using Telemetry.Device.Delivery;
using Telemetry.Device.Spool;

namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// From samples to sealed batches. Signals of one period are gathered into rows and share blocks; whatever does not fit such a row
    /// (irregular signals, a missing neighbour, a value beyond 32 bits) waits in the side table and gets a block of its own signal.
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

        private const byte NoGroup = 255;
        private const LossReason Kept = 0;

        private readonly Profile _profile;
        private readonly BatchSpool _spool;
        private readonly LossLedger _ledger;
        private readonly WallClock _clock;
        private readonly SampleRing _ring;
        private readonly int _toleranceMs;
        private readonly int _sealIntervalMs;
        private readonly int _offlineSealIntervalMs;
        private readonly BlockGroup[] _groups;
        private readonly byte[] _groupOf;
        private readonly byte[] _columnOf;
        private readonly bool[] _isWithdrawn;
        private readonly CapturePolicy _policy;
        private long _recorded;
        private long _unchanged;
        private long _open;
        private long _openSinceMs;
        private int _session;

        public Sampler(TelemetryOptions options, Profile profile, SampleRing ring, BatchSpool spool, LossLedger ledger, WallClock clock)
        {
            _profile = profile;
            _spool = spool;
            _ledger = ledger;
            _clock = clock;
            _ring = ring;
            _toleranceMs = options.TickToleranceMs;
            _sealIntervalMs = options.SealIntervalMs;
            _offlineSealIntervalMs = options.OfflineSealIntervalMs;
            _groupOf = new byte[profile.Count];
            _columnOf = new byte[profile.Count];
            _isWithdrawn = new bool[profile.Count];
            _policy = new CapturePolicy(profile);
            _session = spool.LastSession;
            _mayThin = options.ThinsWhenNearlyFull;
            _groups = MakeGroups(profile, options);
            MakeSideTable();
            MakeWriters(options);
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
            while (_ring.TryRead(out int tag, out long value, out long timeMs)) Take(tag, value, timeMs);
            if (_sideEvents > 0) SealEvents();
        }

        /// <summary>Takes one sample past the ring.</summary>
        public void Put(int tag, long value, long timeMs)
        {
            Take(tag, value, timeMs);
            if (_sideEvents > 0) SealEvents();
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
            for (int i = 0; i < _groups.Length; i++)
            {
                Scatter(_groups[i]);
                CloseBlock(_groups[i]);
            }

            CloseSideTable();
            return _writer.BlockCount > 0 || _ledger.Entries > 0 ? SealBulk() : DeviceStatus.Ok;
        }

        /// <summary>Drops everything that is open: it was recorded before an erasure fence.</summary>
        public void DropOpen(LossReason reason)
        {
            for (int i = 0; i < _groups.Length; i++)
            {
                Scatter(_groups[i]);
                _groups[i].Carries = 0;
                for (int column = 0; column < _groups[i].Signals.Length; column++) Lose(_groups[i].Signals[column], reason, _groups[i].Encoder.RowCount);
                _groups[i].Encoder.Reset();
            }

            for (int i = 0; i < _sideCount; i++) Lose(SideSignal(i), reason, 1);
            _sideCount = 0;
            _sideEvents = 0;
            for (int i = 0; i < _inWriter.Length; i++)
            {
                Lose(i, reason, _inWriter[i]);
                _inWriter[i] = 0;
            }

            _writer.Reset();
            _session = 0;
        }

        /// <summary>Stops a signal at the source, because its user withdrew consent.</summary>
        public void Withdraw(int index)
        {
            _isWithdrawn[index] = true;
        }

        /// <summary>The signals' policies, and the capture rates that Commands ask for.</summary>
        public CapturePolicy Policy
        {
            get { return _policy; }
        }

        /// <summary>What the present Command asks of a signal: a period, 0 = none of it (also: consent is withdrawn), or <see cref="CapturePolicy.NoPeriod"/>.</summary>
        public int WantedPeriodMs(int index)
        {
            return _isWithdrawn[index] ? 0 : _policy.PeriodMs(index);
        }

        /// <summary>Forgets what Commands asked for: all signals have consent and their profile's rates, batches their full length.</summary>
        public void ClearOrders()
        {
            System.Array.Clear(_isWithdrawn, 0, _isWithdrawn.Length);
            _policy.ClearPeriods();
            LimitBatches(0);
        }

        private void Take(int tag, long value, long timeMs)
        {
            int index = tag & IndexMask;
            SignalKind kind = _profile.KindAt(index);
            LossReason loss = LossOf(tag, index, kind, value);
            if (loss == Kept)
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
            int group = _groupOf[index];
            bool fits = group != NoGroup && (kind == SignalKind.Real || value == (int)value);
            if (fits) Gather(_groups[group], _columnOf[index], value, timeMs, quality, (tag & FlagNow) != 0);
            else PutAside(index, value, timeMs, quality);
        }

        private LossReason LossOf(int tag, int index, SignalKind kind, long value)
        {
            if (_isWithdrawn[index]) return LossReason.Consent;
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
                value += group.Encoder.ValueSet(column);
                if (value != (int)value)
                {
                    PutAside(group.Signals[column], value, timeMs, quality);
                    return;
                }
            }

            if (group.Present == 0)
            {
                group.RowMs = timeMs;
                group.Quality = quality;
            }

            group.Encoder.SetWide(column, value);
            group.Present |= bit;
            if (group.IsRowComplete && !IsLeftOut(group) && !group.TryAddRow())
            {
                CloseBlock(group);
                group.TryAddRow(); // an empty block takes any row
            }
        }

        // A row that will not be complete: its values go their own ways, with their time.
        private void Scatter(BlockGroup group)
        {
            for (int column = 0; group.Present != 0; column++)
            {
                if ((group.Present & (1u << column)) == 0) continue;
                group.Present &= ~(1u << column);
                PutAside(group.Signals[column], group.Encoder.ValueSet(column), group.RowMs, group.Quality);
            }
        }

        private void Lose(int index, LossReason reason, long samples)
        {
            _open -= samples;
            _ledger.Add(_profile.IdAt(index), (byte)reason, (ulong)samples);
        }

        // What the SDK records of itself comes at an instant of its own.
        private static bool SharesRows(Profile profile, int index)
        {
            return profile.PeriodMsAt(index) > 0 && profile.KindAt(index) != SignalKind.Event && profile.SdkMetricAt(index) == SdkMetric.None;
        }

        private BlockGroup[] MakeGroups(Profile profile, TelemetryOptions options)
        {
            int count = 0;
            for (int i = 0; i < profile.Count; i++) _groupOf[i] = NoGroup;
            for (int i = 0; i < profile.Count; i++)
            {
                int period = profile.PeriodMsAt(i);
                if (_groupOf[i] != NoGroup || !SharesRows(profile, i)) continue;
                int columns = 0;
                for (int k = i; k < profile.Count && columns < BlockGroup.MaxColumns; k++)
                {
                    if (_groupOf[k] != NoGroup || profile.PeriodMsAt(k) != period || !SharesRows(profile, k)) continue;
                    _groupOf[k] = (byte)count;
                    _columnOf[k] = (byte)columns++;
                }

                count++;
            }

            BlockGroup[] groups = new BlockGroup[count];
            for (int group = 0; group < count; group++)
            {
                groups[group] = new BlockGroup(profile, SignalsOf(group), options.BlockRows, options.BlockBytesPerColumn);
            }

            return groups;
        }

        private int[] SignalsOf(int group)
        {
            int columns = 0;
            for (int i = 0; i < _groupOf.Length; i++)
            {
                if (_groupOf[i] == group) columns++;
            }

            int[] signals = new int[columns];
            for (int i = 0; i < _groupOf.Length; i++)
            {
                if (_groupOf[i] == group) signals[_columnOf[i]] = i;
            }

            return signals;
        }
    }
}
