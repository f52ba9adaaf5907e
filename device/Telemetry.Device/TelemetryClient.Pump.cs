using System.Threading;
using Telemetry.Device.Delivery;
using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;

namespace Telemetry.Device
{
    public sealed partial class TelemetryClient
    {
        private const int FlagNow = Sampler.FlagNow;
        private const int QualityShift = Sampler.QualityShift;
        private const int QualityCharging = 2;
        private const int LongestSleepMs = 60_000;
        private const int PollMs = 20;
        private const int FaultPauseMs = 1000;
        private const int FlagUnscalable = Sampler.FlagUnscalable;

        // The sampler is the lock of everything between a sample and the spool, itself included ("the store lock"); the uplink belongs to the pump alone.
        private readonly AutoResetEvent _wake = new AutoResetEvent(false);
        private readonly IHealth? _health;
        private readonly Profile _profile;
        private readonly LossLedger _ledger;
        private readonly BatchSpool _spool;
        private readonly WallClock _clock;
        private readonly Sampler _sampler;
        private readonly Uplink _uplink;
        private readonly short[] _tagOfId;
        private RingOwner _owner;
        private readonly long _restored;
        private int _quality;
        private bool _isHurried;
        private bool _hasNewEvent;
        private bool _isStopping;
        private Thread? _thread;

        /// <summary>Mounts the spool. Nothing is sent before the first <see cref="Step"/> or <see cref="Start"/>.</summary>
        /// <exception cref="System.ArgumentException">An option is missing or out of its range; the text names it.</exception>
        public TelemetryClient(TelemetryOptions options)
        {
            OptionCheck.Require(options);
            _profile = options.Profile!;
            Chance chance = new Chance(OptionCheck.SeedOf(options));
            int losses = _profile.Count + LossLedger.SharedEntries;
            _ledger = new LossLedger(losses < BatchWriter.MaxLosses ? losses : BatchWriter.MaxLosses - 1); // a record of the spool counts them in a byte
            _spool = new BatchSpool(options.Flash!, options.EventSectors, _ledger, chance);
            _clock = new WallClock(options.Clock!, options.DriftPpm, _spool.LastClockRatePpb);
            _sampler = new Sampler(options, _profile, _spool, _ledger, _clock);
            _uplink = new Uplink(options, _spool, _sampler, _clock, chance, _profile);
            _restored = _spool.HeldSamples;
            _tagOfId = _profile.TagOfId;
            _health = options.Health;
            RecordBoot(options.BootReason);
        }

        /// <summary>One turn of the pump: packs, seals what is due, sends, receives. Does not wait for the network.</summary>
        /// <returns>Milliseconds until it wants to run again, 0..60,000; Record of an event and an arriving packet may make it earlier.</returns>
        public int Step()
        {
            int due;
            lock (_sampler)
            {
                _sampler.Drain();
                int metricsDue = RecordMetrics(_clock.UptimeMs);
                due = _sampler.Tick(_clock.UptimeMs, _uplink.IsOutOfReach);
                if (metricsDue < due) due = metricsDue;
                _uplink.IsSaving = PowerSave && (Quality & QualityCharging) == 0;
                if (_hasNewEvent) _uplink.HurryUpload();
                _hasNewEvent = false;
                if (_isHurried) _uplink.Hurry();
                _isHurried = false;
            }

            int wait = _uplink.Step();
            if (wait < due) due = wait;
            return due < LongestSleepMs ? due : LongestSleepMs;
        }

        /// <summary>Runs the pump on a thread of its own until <see cref="Stop"/>.</summary>
        public void Start()
        {
            if (_thread != null) return;
            _isStopping = false;
            _thread = new Thread(Run);
            _thread.Start();
        }

        /// <summary>Seals what is open, says goodbye to the broker and ends the pump's thread.</summary>
        public void Stop()
        {
            Thread? thread = _thread;
            if (thread != null)
            {
                _isStopping = true;
                _wake.Set();
                thread.Join();
                _thread = null;
            }

            Flush();
            _uplink.Close();
        }

        /// <summary>Seals what is open and uploads now, whatever the upload window says (charging, a tap of the user).</summary>
        public void UploadNow()
        {
            Flush();
            lock (_sampler) _isHurried = true;
            _wake.Set();
        }

        /// <summary>Seals what is open, so that it survives a power cut and goes out with the next upload.</summary>
        public DeviceStatus Flush()
        {
            lock (_sampler)
            {
                _sampler.Drain();
                return _sampler.SealAll();
            }
        }

        // The pump's thread: an exception would end it unseen, so it is kept and the next turn goes on.
        private void Run()
        {
            while (!_isStopping)
            {
                int wait;
                try
                {
                    wait = Step();
                    if (wait > PollMs && !_uplink.IsQuiet) wait = PollMs;
                }
                catch (System.Exception e)
                {
                    LastFault = e;
                    wait = FaultPauseMs;
                }

                if (wait > 0) _wake.WaitOne(wait, false);
            }
        }

        private DeviceStatus Put(int signal, long value, long uptimeMs, int flags)
        {
            long caller = RingOwner.Caller;
            short[] tags = _tagOfId;
            if ((uint)signal < (uint)tags.Length)
            {
                // Negative: no such signal, or an event. A time beyond 48 bits, as every negative one is, goes the slow way as well.
                int tag = (tags[signal] - 1) | _quality | flags;
                bool isPlain = tag >= 0 && (ulong)uptimeMs >> SampleRing.TimeBits == 0;
                if (isPlain && _owner.Is(caller) && _sampler.Ring.TryWrite(tag, value, uptimeMs)) return DeviceStatus.Ok;
            }

            return PutUnderLock(_profile.IndexOf(signal), value, uptimeMs, flags, caller);
        }

        // Events, sparse ids, threads that do not own the ring, and a full ring: the caller packs.
        private DeviceStatus PutUnderLock(int index, long value, long uptimeMs, int flags, long caller)
        {
            if (index < 0) return DeviceStatus.UnknownSignal;
            if ((ulong)uptimeMs >> SampleRing.TimeBits != 0) return DeviceStatus.BadTime;
            lock (_sampler)
            {
                _owner.Claim(caller);
                _sampler.Drain();
                _sampler.Put(index | _quality | flags, value, uptimeMs);
                if (_profile.KindAt(index) == SignalKind.Event) _hasNewEvent = true;
            }

            if (_hasNewEvent) _wake.Set();
            return DeviceStatus.Ok;
        }

        private DeviceStatus PutReal(int signal, double value, long uptimeMs, int flags)
        {
            int index = _profile.IndexOf(signal);
            if (index < 0) return DeviceStatus.UnknownSignal;
            if (_profile.KindAt(index) == SignalKind.Real) return Put(signal, System.BitConverter.DoubleToInt64Bits(value), uptimeMs, flags);
            double[]? resolutions = _profile.Resolutions;
            double resolution = resolutions == null ? 1 : resolutions[index];

            // NaN first: on the device a comparison with it is true. What no integer can hold is out of range, counted as such.
            double scaled = double.IsNaN(value) || resolution == 0 ? 1e19 : value / resolution;
            if (!(scaled < 9e18 && scaled > -9e18)) return PutUnderLock(index, 0, uptimeMs, FlagUnscalable, RingOwner.Caller);
            return Put(signal, (long)(scaled < 0 ? scaled - 0.5 : scaled + 0.5), uptimeMs, flags);
        }
    }
}
