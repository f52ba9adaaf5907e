namespace Telemetry.Device.Delivery
{
    /// <summary>Batches in flight, in the order they were sent: where each stands in the spool and what became of it.</summary>
    internal sealed class SendWindow
    {
        public const byte Sent = 1;
        public const byte Settled = 2;
        public const byte Resend = 3;

        private const int IdMask = 0xFFFF;
        private const int ReasonShift = 16;
        private const int StateShift = 24;
        private const int EventFlag = 1 << 30;

        private readonly long[] _positions;
        private readonly int[] _slots; // packet identifier, reason, state, lane

        public SendWindow(int capacity)
        {
            _positions = new long[capacity];
            _slots = new int[capacity];
        }

        /// <summary>Slots in use, oldest first.</summary>
        public int Count { get; private set; }

        public int Capacity
        {
            get { return _positions.Length; }
        }

        public int Add(long position, int packetId, bool isEvent, byte state)
        {
            int slot = Count++;
            _positions[slot] = position;
            _slots[slot] = packetId | (state << StateShift) | (isEvent ? EventFlag : 0);
            return slot;
        }

        /// <summary>Where the batch of a slot stands in its ring.</summary>
        public long Position(int slot)
        {
            return _positions[slot];
        }

        /// <summary>Packet identifier of a slot.</summary>
        public int PacketId(int slot)
        {
            return _slots[slot] & IdMask;
        }

        /// <summary>What became of a slot.</summary>
        public byte State(int slot)
        {
            return (byte)((_slots[slot] & ~EventFlag) >> StateShift);
        }

        /// <summary>Lane of a slot.</summary>
        public bool IsEvent(int slot)
        {
            return (_slots[slot] & EventFlag) != 0;
        }

        /// <summary>Of a settled slot: 0 = acked, else the <see cref="LossReason"/> its samples are lost for.</summary>
        public byte Reason(int slot)
        {
            return (byte)(_slots[slot] >> ReasonShift);
        }

        /// <summary>Gives a slot another identifier.</summary>
        public void Rename(int slot, int packetId)
        {
            _slots[slot] = (_slots[slot] & ~IdMask) | packetId;
        }

        /// <summary>Puts a slot into a state, without a reason.</summary>
        public void Mark(int slot, byte state)
        {
            _slots[slot] = (_slots[slot] & (IdMask | EventFlag)) | (state << StateShift);
        }

        public int Find(int packetId)
        {
            for (int i = 0; i < Count; i++)
            {
                if (PacketId(i) == packetId) return i;
            }

            return -1;
        }

        public int FindState(byte state)
        {
            for (int i = 0; i < Count; i++)
            {
                if (State(i) == state) return i;
            }

            return -1;
        }

        /// <summary>Oldest slot of a lane, or -1.</summary>
        public int FindLane(bool isEvent)
        {
            for (int i = 0; i < Count; i++)
            {
                if (IsEvent(i) == isEvent) return i;
            }

            return -1;
        }

        public void RemoveAt(int slot)
        {
            int behind = --Count - slot;
            System.Array.Copy(_positions, slot + 1, _positions, slot, behind);
            System.Array.Copy(_slots, slot + 1, _slots, slot, behind);
        }

        /// <summary>Settles a slot: <paramref name="reason"/> 0 = acked.</summary>
        public void Settle(int slot, byte reason)
        {
            Mark(slot, Settled);
            _slots[slot] |= reason << ReasonShift;
        }

        public void Clear()
        {
            Count = 0;
        }
    }
}
