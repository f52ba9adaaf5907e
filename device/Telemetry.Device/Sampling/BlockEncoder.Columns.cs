namespace Telemetry.Device.Sampling
{
    // What a row changes, column by column. A value that stays says nothing until its run is due.
    public sealed partial class BlockEncoder
    {
        private readonly int[] _next;
        private readonly int[] _nextHigh;
        private readonly int[] _last;
        private readonly int[] _lastHigh;
        private readonly int[] _other;
        private readonly int[] _otherHigh;
        private readonly int[] _mean;

        // The row at which a value that does not change needs work: 64 rows after the last token, which began a run; or 0 while zeros are coded one by one.
        private readonly short[] _due;
        private readonly byte[] _falling; // 1 where the last difference was negative

        private void BeginColumns()
        {
            for (int stream = 0; stream < _due.Length; stream++)
            {
                _last[stream] = 0;
                _lastHigh[stream] = 0;
                _other[stream] = 0;
                _otherHigh[stream] = 0;
                _mean[stream] = FirstMean;
                _due[stream] = MaxRun;
                _falling[stream] = 0;
            }

            _due[TimeStream] = MaxRun + 1; // the step to row 1 is the period
            for (int column = 0; column < _columns; column++)
            {
                int stream = column + FirstColumnStream;
                int low = _next[column];
                int high = _kinds[column] == KindInteger ? low >> 31 : _nextHigh[column];
                _last[stream] = low;
                _lastHigh[stream] = high;
                if (_kinds[column] == KindReal)
                {
                    PutLong(stream, (uint)low, (uint)high, 64);
                    _due[stream] = RealRows;
                }
                else
                {
                    PutFirst(stream, ((long)high << 32) | (uint)low);
                }
            }
        }

        private void AddValues(int row)
        {
            // Local names for the arrays: the loop then reads no fields.
            byte[] kinds = _kinds;
            int[] next = _next;
            int[] last = _last;
            short[] due = _due;
            for (int column = 0; column < kinds.Length; column++)
            {
                // The usual row says nothing: no state changes.
                int stream = column + FirstColumnStream;
                int value = next[column];
                if (value == last[stream] && row < due[stream] && (kinds[column] == KindInteger || _nextHigh[column] == _lastHigh[stream])) continue;
                if (kinds[column] == KindInteger) AddInteger(stream, row, value);
                else if (kinds[column] == KindWide) AddWide(stream, row, value, _nextHigh[column]);
                else AddReal(stream, row, value, _nextHigh[column]);
            }
        }

        private void AddInteger(int stream, int row, int value)
        {
            int last = _last[stream];
            int difference = unchecked(value - last);
            if (difference == 0)
            {
                AddZero(stream, row);
                return;
            }

            _last[stream] = value;
            int sign = difference >> 31;
            int magnitude = (difference ^ sign) - sign; // of int.MinValue: itself
            if ((uint)magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, -sign, magnitude);
                return;
            }

            int near = unchecked(value - _other[stream]);
            _other[stream] = last;
            AddJump(stream, row, -sign, (uint)magnitude, 0, near);
        }

        private void AddWide(int stream, int row, int low, int high)
        {
            long value = ((long)high << 32) | (uint)low;
            int lastLow = _last[stream];
            int lastHigh = _lastHigh[stream];
            long difference = unchecked(value - (((long)lastHigh << 32) | (uint)lastLow));
            if (difference == 0)
            {
                AddZero(stream, row);
                return;
            }

            _last[stream] = low;
            _lastHigh[stream] = high;
            int falling = difference < 0 ? 1 : 0;
            ulong magnitude = (ulong)(difference < 0 ? -difference : difference);
            if (magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, falling, (int)magnitude);
                return;
            }

            long near = unchecked(value - (((long)_otherHigh[stream] << 32) | (uint)_other[stream]));
            _other[stream] = lastLow;
            _otherHigh[stream] = lastHigh;
            AddJump(stream, row, falling, (uint)magnitude, (uint)(magnitude >> 32), near < int.MinValue || near > int.MaxValue ? int.MaxValue : (int)near);
        }

        // A timeline has no level to return to: its residuals are coded as differences, and a swap repeats the last large one.
        private void AddResidual(int stream, int row, int residual)
        {
            if (residual == 0)
            {
                if (row >= _due[stream]) AddZero(stream, row);
                return;
            }

            int sign = residual >> 31;
            int magnitude = (residual ^ sign) - sign; // of int.MinValue: itself
            if ((uint)magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, -sign, magnitude);
                return;
            }

            int near = unchecked(residual - _other[stream]);
            _other[stream] = residual;
            AddJump(stream, row, -sign, (uint)magnitude, 0, near);
        }
    }
}
