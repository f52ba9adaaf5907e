namespace Telemetry.Device.Delivery
{
    /// <summary>Batches in flight, in the order they were sent: where each stands in the spool and what became of it.</summary>
    internal sealed class SendWindow
    {
        public const byte Sent = 1;
        public const byte Settled = 2;
        public const byte Resend = 3;

        public readonly long[] Positions;
        public readonly int[] PacketIds;
        public readonly byte[] States;
        public readonly bool[] IsEvent;

        /// <summary>Of a settled batch: 0 = acked, else the <see cref="LossReason"/> its samples are lost for.</summary>
        public readonly byte[] Reasons;

        public SendWindow(int capacity)
        {
            Positions = new long[capacity];
            PacketIds = new int[capacity];
            States = new byte[capacity];
            IsEvent = new bool[capacity];
            Reasons = new byte[capacity];
        }

        /// <summary>Slots in use, oldest first.</summary>
        public int Count { get; private set; }

        public int Capacity
        {
            get { return Positions.Length; }
        }

        public int Add(long position, int packetId, bool isEvent, byte state)
        {
            int slot = Count++;
            Positions[slot] = position;
            PacketIds[slot] = packetId;
            IsEvent[slot] = isEvent;
            States[slot] = state;
            Reasons[slot] = 0;
            return slot;
        }

        public int Find(int packetId)
        {
            for (int i = 0; i < Count; i++)
            {
                if (PacketIds[i] == packetId) return i;
            }

            return -1;
        }

        public int FindState(byte state)
        {
            for (int i = 0; i < Count; i++)
            {
                if (States[i] == state) return i;
            }

            return -1;
        }

        /// <summary>Oldest slot of a lane, or -1.</summary>
        public int FindLane(bool isEvent)
        {
            for (int i = 0; i < Count; i++)
            {
                if (IsEvent[i] == isEvent) return i;
            }

            return -1;
        }

        public void RemoveAt(int slot)
        {
            int behind = --Count - slot;
            System.Array.Copy(Positions, slot + 1, Positions, slot, behind);
            System.Array.Copy(PacketIds, slot + 1, PacketIds, slot, behind);
            System.Array.Copy(States, slot + 1, States, slot, behind);
            System.Array.Copy(IsEvent, slot + 1, IsEvent, slot, behind);
            System.Array.Copy(Reasons, slot + 1, Reasons, slot, behind);
        }

        /// <summary>Settles a slot: <paramref name="reason"/> 0 = acked.</summary>
        public void Settle(int slot, byte reason)
        {
            States[slot] = Settled;
            Reasons[slot] = reason;
        }

        public void Clear()
        {
            Count = 0;
        }
    }
}
