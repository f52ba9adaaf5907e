namespace Telemetry.Device.Delivery
{
    /// <summary>Batches in flight, in the order they were sent: where each stands in the spool and what became of it.</summary>
    internal struct SendWindow
    {
        public const byte Sent = 1;
        public const byte Settled = 2;
        public const byte Resend = 3;

        // A slot: packet identifier 16 bits, reason 4, state 2, lane 1; above them the position, a multiple of 8 below 2^43: no flash lives so long.
        private const int IdMask = 0xFFFF;
        private const int ReasonShift = 16;
        private const int ReasonMask = 0xF << ReasonShift;
        private const int StateShift = 20;
        private const int StateMask = 3 << StateShift;
        private const int EventFlag = 1 << 22;
        private const int PositionShift = 24;
        private const int PositionUnit = 8;

        private readonly long[] _slots;

        public SendWindow(int capacity)
        {
            _slots = new long[capacity];
            Count = 0;
        }

        /// <summary>Slots in use, oldest first.</summary>
        public int Count { get; private set; }

        public int Capacity
        {
            get { return _slots.Length; }
        }

        public int Add(long position, int packetId, bool isEvent, byte state)
        {
            int slot = Count++;
            _slots[slot] = ((position / PositionUnit) << PositionShift) | (uint)(packetId | (state << StateShift) | (isEvent ? EventFlag : 0));
            return slot;
        }

        /// <summary>Where the batch of a slot stands in its ring.</summary>
        public long Position(int slot)
        {
            return (_slots[slot] >> PositionShift) * PositionUnit;
        }

        /// <summary>Packet identifier of a slot.</summary>
        public int PacketId(int slot)
        {
            return (int)_slots[slot] & IdMask;
        }

        /// <summary>What became of a slot.</summary>
        public byte State(int slot)
        {
            return (byte)(((int)_slots[slot] & StateMask) >> StateShift);
        }

        /// <summary>Lane of a slot.</summary>
        public bool IsEvent(int slot)
        {
            return (_slots[slot] & EventFlag) != 0;
        }

        /// <summary>Of a settled slot: 0 = acked, else the <see cref="LossReason"/> its samples are lost for.</summary>
        public byte Reason(int slot)
        {
            return (byte)(((int)_slots[slot] & ReasonMask) >> ReasonShift);
        }

        /// <summary>Gives a slot another identifier.</summary>
        public void Rename(int slot, int packetId)
        {
            _slots[slot] = (_slots[slot] & ~(long)IdMask) | (uint)packetId;
        }

        /// <summary>Puts a slot into a state, without a reason.</summary>
        public void Mark(int slot, byte state)
        {
            _slots[slot] = (_slots[slot] & ~(long)(StateMask | ReasonMask)) | (uint)(state << StateShift);
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
            System.Array.Copy(_slots, slot + 1, _slots, slot, behind);
        }

        /// <summary>Settles a slot: <paramref name="reason"/> 0 = acked.</summary>
        public void Settle(int slot, byte reason)
        {
            Mark(slot, Settled);
            _slots[slot] |= (uint)(reason << ReasonShift);
        }

        public void Clear()
        {
            Count = 0;
        }
    }
}
