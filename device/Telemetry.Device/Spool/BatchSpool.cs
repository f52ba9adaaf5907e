using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;

namespace Telemetry.Device.Spool
{
    /// <summary>The device's store: a ring for bulk data and, when asked for, one for events, under one epoch and one sequence of numbers.</summary>
    /// <remarks>Guarded by the client's store lock.</remarks>
    internal sealed class BatchSpool
    {
        private readonly SpoolRing _bulk;
        private readonly SpoolRing? _events;
        private long _nextSeq;
        private uint _boot;

        /// <summary>Mounts the spool, or makes a new one with an epoch of its own.</summary>
        public BatchSpool(IFlash flash, int eventSectors, LossLedger ledger, Chance chance)
        {
            byte[] buffer = new byte[SpoolRing.BufferBytes];
            _bulk = new SpoolRing(flash, 0, flash.SectorCount - eventSectors, ledger, buffer);
            if (eventSectors > 0) _events = new SpoolRing(flash, flash.SectorCount - eventSectors, eventSectors, ledger, buffer);
            Mount(chance);
        }

        public uint Epoch
        {
            get { return _bulk.Epoch; }
        }

        public uint Boot
        {
            get { return _boot; }
        }

        /// <summary>The session that ran before this boot; 0 = none.</summary>
        public int LastSession
        {
            get { return _bulk.LastSession; }
        }

        /// <summary>The limit of a batch in bytes that was known before this boot; 0 = none.</summary>
        public int LastBatchLimit
        {
            get { return _bulk.LastLimitUnits * SpoolRing.LimitUnit; }
        }

        /// <summary>The clock's rate that was known before this boot, in parts per billion.</summary>
        public int LastClockRatePpb
        {
            get { return _bulk.LastClockRatePpb; }
        }

        /// <summary>Number of the next batch.</summary>
        public long NextSeq
        {
            get { return _nextSeq; }
        }

        public int HeldBatches
        {
            get { return _bulk.HeldBatches + (_events == null ? 0 : _events.HeldBatches); }
        }

        public long HeldSamples
        {
            get { return _bulk.HeldSamples + (_events == null ? 0 : _events.HeldSamples); }
        }

        public long FreeBytes
        {
            get { return _bulk.FreeBytes; }
        }

        /// <summary>Bulk data is about to give way.</summary>
        public bool IsNearlyFull
        {
            get { return _bulk.IsNearlyFull; }
        }

        /// <summary>Whether events have a ring of their own.</summary>
        public bool HasEventRing
        {
            get { return _events != null; }
        }

        /// <summary>The ring of a lane.</summary>
        public SpoolRing Ring(bool isEvent)
        {
            return isEvent && _events != null ? _events : _bulk;
        }

        /// <summary>Makes room before sealing; see <see cref="SpoolRing.Reserve"/>.</summary>
        public DeviceStatus Reserve(bool isEvent, int payloadBytes, int entries)
        {
            return Ring(isEvent).Reserve(payloadBytes, entries);
        }

        /// <summary>Appends the batch that carries number <see cref="NextSeq"/>.</summary>
        public DeviceStatus Append(bool isEvent, IRecordSource source, int entries, int count)
        {
            SpoolRing ring = Ring(isEvent);
            byte kind = isEvent ? SpoolRing.KindEventBatch : SpoolRing.KindBatch;
            DeviceStatus status = ring.Append(kind, source, entries, count, _nextSeq, _boot);

            // A number is used up even when flash failed: nobody can say how much of it was written.
            _nextSeq++;
            _bulk.RaiseNextSeq(_nextSeq);
            if (_events != null) _events.RaiseNextSeq(_nextSeq);
            return status;
        }

        /// <summary>The erasure fence: drops everything, begins a new epoch at batch 1 and boot 1.</summary>
        public DeviceStatus BeginEpoch(Chance chance)
        {
            uint epoch = chance.Next();
            while (epoch == Epoch) epoch = chance.Next();
            _nextSeq = 1;
            _boot = 1;
            DeviceStatus status = _bulk.Format(epoch, _boot);
            if (_events != null && status == DeviceStatus.Ok) status = _events.Format(epoch, _boot);
            return status;
        }

        private void Mount(Chance chance)
        {
            _bulk.Mount(0);
            if (_bulk.Epoch == 0)
            {
                BeginEpoch(chance);
                return;
            }

            _nextSeq = _bulk.NextSeq;
            _boot = _bulk.LastBoot + 1;
            if (_events == null) return;

            // Events of another epoch stand behind an erasure fence that a power cut stopped.
            _events.Mount(_bulk.ToldBelow);
            if (_events.Epoch != _bulk.Epoch)
            {
                _events.Format(_bulk.Epoch, _boot);
                return;
            }

            if (_events.NextSeq > _nextSeq) _nextSeq = _events.NextSeq;
            if (_events.LastBoot >= _boot) _boot = _events.LastBoot + 1;
            _bulk.RaiseNextSeq(_nextSeq);
            _events.RaiseNextSeq(_nextSeq);
        }
    }
}
