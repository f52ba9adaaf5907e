namespace Telemetry.Device.Sampling
{
    // What a row changes, column by column. A value that stays says nothing until its run is due.
    public partial class BlockEncoder
    {
        // Due is 64 rows after the last token, which began a run; or 0 while zeros are coded one by one.
        private void BeginStreams()
        {
            _form &= FormDescriptors;
            EmptyStream(QualityStream);
            BeginStream(TimeStream);
            _state[TimeStream + Due] = MaxRun + 1; // the step to row 1 is the period
            for (int stream = FirstColumn; stream < _state.Length; stream += _streamWords)
            {
                BeginStream(stream);
                long value = ValueOf(stream);
                ChooseKind(stream, value);
                BeginColumn(stream, value);
            }
        }

        private void EmptyStream(int stream)
        {
            _state[stream + Bits] = 0;
            _state[stream + BitCount] = 0;
            _state[stream + Chain] = EmptyChain;
        }

        private void BeginStream(int stream)
        {
            EmptyStream(stream);
            _state[stream + Other] = 0;
            _state[stream + Mean] = FirstMean << 1;
            _state[stream + Due] = MaxRun;
        }

        private void BeginColumn(int stream, long value)
        {
            _state[stream + Last] = (int)value;
            if (_streamWords == WideWords)
            {
                _state[stream + LastHigh] = (int)(value >> 32);
                _state[stream + OtherHigh] = 0;
            }

            if (KindOf(stream) == KindReal)
            {
                PutLong(stream, (uint)value, (uint)(value >> 32), 64);
                _state[stream + Due] = RealRows;
                _state[stream + Window] = 0;
            }
            else
            {
                PutFirst(stream, value);
                if (KindOf(stream) == KindLevel) BeginLevel(stream, (int)value);
            }
        }

        private void AddValues(int row)
        {
            // Local names: the loop then reads no fields.
            int[] state = _state;
            int words = _streamWords;
            for (int stream = FirstColumn; stream < state.Length; stream += words)
            {
                // The usual row says nothing: no state changes.
                int value = state[stream + Next];
                int kind = state[stream + Name] & KindMask;
                if (value == state[stream + Last] && row < state[stream + Due] && (kind == 0 || state[stream + NextHigh] == state[stream + LastHigh])) continue;
                if (kind == 0) AddInteger(stream, row, value);
                else if (kind == KindWide << KindShift) AddWide(stream, row, value, state[stream + NextHigh]);
                else if (kind == KindReal << KindShift) AddReal(stream, row, value, state[stream + NextHigh]);
                else AddAboutLevel(stream, value);
            }
        }

        private void AddInteger(int stream, int row, int value)
        {
            int last = _state[stream + Last];
            int difference = unchecked(value - last);
            if (difference == 0)
            {
                Judge(stream, -1);
                AddZero(stream, row);
                return;
            }

            if (_state[stream + Mean] >= LeastNoise) JudgeDifference(stream, row, value, difference);
            _state[stream + Last] = value;
            int sign = difference >> 31;
            int magnitude = (difference ^ sign) - sign; // of int.MinValue: itself
            if ((uint)magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, -sign, magnitude);
                return;
            }

            int near = unchecked(value - _state[stream + Other]);
            _state[stream + Other] = last;
            AddJump(stream, row, -sign, (uint)magnitude, 0, near);
        }

        private void AddWide(int stream, int row, int low, int high)
        {
            long value = ((long)high << 32) | (uint)low;
            int lastLow = _state[stream + Last];
            int lastHigh = _state[stream + LastHigh];
            long difference = unchecked(value - (((long)lastHigh << 32) | (uint)lastLow));
            if (difference == 0)
            {
                AddZero(stream, row);
                return;
            }

            _state[stream + Last] = low;
            _state[stream + LastHigh] = high;
            int falling = difference < 0 ? 1 : 0;
            ulong magnitude = (ulong)(difference < 0 ? -difference : difference);
            if (magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, falling, (int)magnitude);
                return;
            }

            long near = unchecked(value - (((long)_state[stream + OtherHigh] << 32) | (uint)_state[stream + Other]));
            _state[stream + Other] = lastLow;
            _state[stream + OtherHigh] = lastHigh;
            AddJump(stream, row, falling, (uint)magnitude, (uint)(magnitude >> 32), near < int.MinValue || near > int.MaxValue ? int.MaxValue : (int)near);
        }

        // A timeline has no level to return to: its residuals are coded as differences, and a swap repeats the last large one.
        private void AddResidual(int stream, int row, int residual)
        {
            if (residual == 0)
            {
                if (row >= _state[stream + Due]) AddZero(stream, row);
                return;
            }

            int sign = residual >> 31;
            int magnitude = (residual ^ sign) - sign; // of int.MinValue: itself
            if ((uint)magnitude < JumpMagnitude)
            {
                AddDifference(stream, row, -sign, magnitude);
                return;
            }

            int near = unchecked(residual - _state[stream + Other]);
            _state[stream + Other] = residual;
            AddJump(stream, row, -sign, (uint)magnitude, 0, near);
        }
    }
}
