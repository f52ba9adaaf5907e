namespace Telemetry.Device.Sampling
{
    // Where a signal goes: signals of one period share a group, the others wait aside.
    internal sealed partial class Sampler
    {
        // A place: the group in the upper byte, 255 = none; consent withdrawn; the column.
        private const int GroupShift = 8;
        private const int NoGroup = 255;
        private const int WithdrawnFlag = 1 << 7;
        private const int ColumnMask = BlockGroup.MostColumns - 1;

        // The pool, unless options say more: 72 bytes a column hold four minutes of a lively signal at 1 Hz, and of eight columns they hold so much that the
        // frame of a batch is a seventh of it at most.
        private const int BytesPerColumn = 72;
        private const int FewColumns = 8;

        private readonly ushort[] _places;

        /// <summary>Stops a signal at the source, because its user withdrew consent.</summary>
        public void Withdraw(int index)
        {
            _places[index] |= WithdrawnFlag;
        }

        // What the SDK records of itself comes at an instant of its own.
        private bool SharesRows(int index)
        {
            return _profile.PeriodMsAt(index) > 0 && _profile.KindAt(index) != SignalKind.Event && _profile.SdkMetricAt(index) == SdkMetric.None;
        }

        // Signals of one period share a group, up to its columns. Returns the groups.
        private int FindPlaces()
        {
            int groups = 0;
            for (int i = 0; i < _places.Length; i++) _places[i] = NoGroup << GroupShift;
            for (int i = 0; i < _places.Length; i++)
            {
                if (_places[i] >> GroupShift != NoGroup || !SharesRows(i)) continue;
                int columns = 0;
                for (int k = i; k < _places.Length && columns < BlockGroup.MostColumns; k++)
                {
                    bool isOpen = _places[k] >> GroupShift == NoGroup && SharesRows(k);
                    if (isOpen && _profile.PeriodMsAt(k) == _profile.PeriodMsAt(i)) _places[k] = (ushort)((groups << GroupShift) | columns++);
                }

                groups++;
            }

            return groups;
        }

        private BlockGroup MakeGroup(int group, int maxRows)
        {
            int columns = 0;
            bool hasReal = false;
            for (int i = 0; i < _places.Length; i++)
            {
                if (_places[i] >> GroupShift != group) continue;
                columns++;
                hasReal |= _profile.KindAt(i) == SignalKind.Real;
            }

            BlockGroup made = new BlockGroup(columns, hasReal, maxRows, _pool);
            for (int i = 0; i < _places.Length; i++)
            {
                if (_places[i] >> GroupShift != group) continue;
                int kind = _profile.KindAt(i) == SignalKind.Real ? BlockEncoder.KindReal : BlockEncoder.KindInteger;
                made.AddColumn(_places[i] & ColumnMask, _profile.IdAt(i), kind, i);
            }

            return made;
        }

        // Never less than the costliest row of the largest group needs.
        private int PoolBytes(int wanted)
        {
            int columns = 0;
            for (int i = 0; i < _places.Length; i++)
            {
                if (_places[i] >> GroupShift != NoGroup) columns++;
            }

            int bytes = wanted > 0 ? wanted : BytesPerColumn * (columns > FewColumns ? columns : FewColumns);
            int least = BlockEncoder.LeastBufferBytes(columns < BlockGroup.MostColumns ? columns : BlockGroup.MostColumns);
            return bytes > least ? bytes : least;
        }
    }
}
