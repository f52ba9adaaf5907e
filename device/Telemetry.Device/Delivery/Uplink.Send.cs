using Telemetry.Device.Spool;

namespace Telemetry.Device.Delivery
{
    // Which batch goes next, and what becomes of it.
    internal sealed partial class Uplink
    {
        private const int QuotaExceeded = 0x97;
        private const int NotAuthorized = 0x87;
        private const int PayloadFormatInvalid = 0x99;
        private const int PacketTooLarge = 0x95;
        private const int FirstPauseMs = 10_000;
        private const int LongestPauseDoublings = 5; // 320 s, and as much again of jitter
        private bool _resumesSession;
        private byte _pauses; // since the last batch that was taken

        // True when a packet was begun.
        private bool SendNext(long now)
        {
            if (_mustSubscribe)
            {
                _mustSubscribe = false;
                _subscribedAtMs = now;
                _link.Subscribe(SubscribeId, now);
                return true;
            }

            if (_mustBirth)
            {
                _mustBirth = false;
                _link.PublishBirth(_spool.Epoch, _spool.Boot);
                return true;
            }

            if (now < _pausedUntilMs) return false;
            lock (_sampler)
            {
                DropEvicted();
                if (_pauses > 0 && _window.FindState(SendWindow.Sent) >= 0) return false; // one asks for all
                int slot = _window.FindState(SendWindow.Resend);
                if (slot >= 0) return Send(slot, _resumesSession, now);
                if (_window.Count >= _window.Capacity || _window.Count >= _link.ReceiveMaximum) return false;
                if (_spool.HasEventRing && TryTake(true, ref _eventNext, out slot)) return slot >= 0 && Send(slot, false, now);
                if (UploadDueInMs(now) > 0) return false;
                return TryTake(false, ref _bulkNext, out slot) && slot >= 0 && Send(slot, false, now);
            }
        }

        // Takes the next batch of a lane into the window. A damaged one is settled at once.
        private bool TryTake(bool isEvent, ref long next, out int slot)
        {
            slot = -1;
            SpoolRing ring = _spool.Ring(isEvent);
            while (_window.Count < _window.Capacity && ring.TryLoad(ref next))
            {
                long position = next;
                next = ring.RecordEnd;
                if (ring.IsPayloadSound())
                {
                    slot = _window.Add(position, NextPacketId(), isEvent, SendWindow.Sent);
                    return true;
                }

                _window.Settle(_window.Add(position, 0, isEvent, SendWindow.Sent), (byte)LossReason.SpoolDamaged);
                FreeSettled();
            }

            return false;
        }

        private bool Send(int slot, bool isRepeated, long now)
        {
            SpoolRing ring = _spool.Ring(_window.IsEvent(slot));
            long position = _window.Position(slot);
            if (!ring.TryLoad(ref position) || position != _window.Position(slot))
            {
                _window.RemoveAt(slot);
                return false;
            }

            if (!isRepeated && _window.State(slot) == SendWindow.Resend) _window.Rename(slot, NextPacketId());
            _sendingRing = ring;
            _sendingPosition = position;
            _sendingEntries = ring.RecordEntries;
            if (!_link.TryPublish(this, ring.RecordPayloadBytes, _window.PacketId(slot), isRepeated, now))
            {
                Discard(slot, LossReason.TooLarge);
                return false;
            }

            _window.Mark(slot, SendWindow.Sent);
            _ackDueMs = now + AckTimeoutMs;
            SentBatches++;
            return true;
        }

        private void OnAcked(long now)
        {
            lock (_sampler)
            {
                int slot = _window.Find(_link.AckId);
                if (slot < 0) return;
                _ackDueMs = now + AckTimeoutMs;
                if (_link.ReasonCode == QuotaExceeded || _link.ReasonCode == NotAuthorized)
                {
                    _window.Mark(slot, SendWindow.Resend);
                    _resumesSession = false;
                    Pause(now);
                    return;
                }

                _pauses = 0;
                switch (_link.ReasonCode)
                {
                    case PayloadFormatInvalid:
                    case PacketTooLarge:
                        Discard(slot, LossReason.TooLarge);
                        return;
                    default:
                        if (_link.ReasonCode >= 0x80)
                        {
                            Discard(slot, LossReason.Erased);
                            return;
                        }

                        _window.Settle(slot, 0);
                        FreeSettled();
                        if (_spool.HeldBatches == 0) NoteUploaded(now);
                        return;
                }
            }
        }

        // The collector wants it later: each time twice as long, and what else was in flight says the same thing once.
        private void Pause(long now)
        {
            if (now < _pausedUntilMs) return;
            int pause = FirstPauseMs << _pauses;
            _pausedUntilMs = now + pause + _chance.Below(pause);
            if (_pauses < LongestPauseDoublings) _pauses++;
        }

        // The collector will never take it: its samples are lost, and told.
        private void Discard(int slot, LossReason reason)
        {
            _window.Settle(slot, (byte)reason);
            FreeSettled();
        }

        // Batches are freed in the order they stand in their ring.
        private void FreeSettled()
        {
            FreeLane(false);
            if (_spool.HasEventRing) FreeLane(true);
        }

        private void FreeLane(bool isEvent)
        {
            SpoolRing ring = _spool.Ring(isEvent);
            for (int slot = _window.FindLane(isEvent); slot >= 0 && _window.State(slot) == SendWindow.Settled; slot = _window.FindLane(isEvent))
            {
                long position = ring.Tail;
                if (_window.Position(slot) == position && ring.TryLoad(ref position))
                {
                    if (_window.Reason(slot) != 0) ring.AddRecordToLedger(_window.Reason(slot));
                    long samples = ring.FreeOldest();
                    if (_window.Reason(slot) == 0)
                    {
                        AckedSamples += samples;
                        AckedBatches++;
                    }
                }

                _window.RemoveAt(slot);
            }
        }

        // The spool was full: what gave way need not be acked any more.
        private void DropEvicted()
        {
            for (int slot = _window.Count - 1; slot >= 0; slot--)
            {
                if (_window.Position(slot) < _spool.Ring(_window.IsEvent(slot)).Tail) _window.RemoveAt(slot);
            }
        }

        private int NextPacketId()
        {
            do
            {
                _nextPacketId = (ushort)(_nextPacketId >= LargestPacketId ? 1 : _nextPacketId + 1);
            }
            while (_window.Find(_nextPacketId) >= 0);
            return _nextPacketId;
        }
    }
}
