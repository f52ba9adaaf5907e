namespace Telemetry.Device.Sampling
{
    // The side table: samples that share no row. One encoder of one column serves all signals, one after the other.
    internal sealed partial class Sampler
    {
        private const int SideSamples = 16;
        private const int SideRows = 64;
        private const int SideQualityShift = SampleRing.TimeBits + QualityShift;

        private long[] _side = null!; // two words a sample, as in the ring: the value, then signal and quality above the time
        private int _sideCount;
        private int _sideEvents;
        private int[] _sideId = null!;
        private byte[] _sideKind = null!;
        private BlockEncoder _sideEncoder = null!;

        private void MakeSideTable()
        {
            _side = new long[SideSamples * 2];

            // The encoder keeps these two arrays, so a new block may be of another signal; only ever changed while it has no rows.
            // It is made for a signal that has to be named, so that it names every one.
            _sideId = new int[] { 65535 };
            _sideKind = new byte[] { BlockEncoder.KindWide };
            _sideEncoder = new BlockEncoder(_sideId, _sideKind, SideRows, BlockEncoder.LeastBufferBytes(1));
        }

        private void PutAside(int index, long value, long timeMs, int quality)
        {
            if (_sideCount == SideSamples)
            {
                if (_sideEvents > 0) SealEvents();
                CloseSideTable();
            }

            _side[_sideCount * 2] = value;
            _side[(_sideCount * 2) + 1] = timeMs | ((long)(index | (quality << QualityShift)) << SampleRing.TimeBits);
            _sideCount++;
            if (_profile.KindAt(index) == SignalKind.Event) _sideEvents++;
        }

        // Everything but events becomes blocks of the open batch.
        private void CloseSideTable()
        {
            for (int i = NextAside(false); i >= 0; i = NextAside(false)) CloseAside(SideSignal(i), false);
        }

        // Events become batches of their own, which overtake the backlog.
        private void SealEvents()
        {
            for (int i = NextAside(true); i >= 0; i = NextAside(true)) CloseAside(SideSignal(i), true);
            if (_eventWriter.BlockCount > 0) SealEventWriter();
        }

        private int NextAside(bool events)
        {
            for (int i = 0; i < _sideCount; i++)
            {
                if (_profile.KindAt(SideSignal(i)) == SignalKind.Event == events) return i;
            }

            return -1;
        }

        // Packs the samples of one signal, in the order they came, and takes them out of the table.
        private void CloseAside(int index, bool isEvent)
        {
            _sideId[0] = _profile.IdAt(index);
            _sideKind[0] = KindAside(index);
            int kept = 0;
            for (int i = 0; i < _sideCount; i++)
            {
                if (SideSignal(i) != index)
                {
                    _side[kept * 2] = _side[i * 2];
                    _side[(kept * 2) + 1] = _side[(i * 2) + 1];
                    kept++;
                    continue;
                }

                long timeMs = _side[(i * 2) + 1] & SampleRing.TimeMask;
                int quality = (int)(_side[(i * 2) + 1] >> SideQualityShift);
                _sideEncoder.SetWide(0, _side[i * 2]);
                if (!_sideEncoder.TryAddRow(timeMs, quality))
                {
                    AppendAside(index, isEvent);
                    _sideEncoder.TryAddRow(timeMs, quality); // an empty block takes any row
                }

                if (isEvent) _sideEvents--;
            }

            _sideCount = kept;
            AppendAside(index, isEvent);
        }

        private int SideSignal(int at)
        {
            return (int)(_side[(at * 2) + 1] >> SampleRing.TimeBits) & IndexMask;
        }

        private byte KindAside(int index)
        {
            if (_profile.KindAt(index) == SignalKind.Real) return BlockEncoder.KindReal;
            for (int i = 0; i < _sideCount; i++)
            {
                if (SideSignal(i) == index && _side[i * 2] != (int)_side[i * 2]) return BlockEncoder.KindWide;
            }

            return BlockEncoder.KindInteger;
        }

        private void AppendAside(int index, bool isEvent)
        {
            int rows = _sideEncoder.RowCount;
            if (isEvent)
            {
                if (!_eventWriter.TryAppendBlock(_sideEncoder))
                {
                    SealEventWriter();
                    _eventWriter.TryAppendBlock(_sideEncoder);
                }

                _inEventWriter[index] += rows;
            }
            else
            {
                Append(_sideEncoder);
                _inWriter[index] += rows;
            }
        }
    }
}
