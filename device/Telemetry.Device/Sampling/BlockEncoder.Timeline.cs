namespace Telemetry.Device.Sampling
{
    // When the rows were (WIRE.md, "Timeline"). A block of equal steps stores start and period only; the stream is written along the way
    // and dropped at the end if every step was the same.
    public partial class BlockEncoder
    {
        private const int MsPerSecond = 1000;

        private long _startMs;
        private long _lastMs;
        private int _period;
        private int _usualStep;
        private int _lastStep;
        private bool _isRegular;

        // A step of this many ms again has no residual and changes nothing; -1 while the last step is not the usual one.
        private int _steadyMs;

        // Steps are counted in whole seconds while they are; one that is not closes the block, and the next counts in ms
        // until a whole block of it would have fitted seconds.
        private bool _isInSeconds;
        private bool _prefersMs;
        private bool _wasWhole;

        private void BeginTimeline(long uptimeMs)
        {
            _startMs = uptimeMs;
            _lastMs = uptimeMs;
            _period = 0;
            _steadyMs = -1;
            _isRegular = true;
            _isInSeconds = false;
            _wasWhole = true;
        }

        private bool TryAddTime(int row, int stepMs)
        {
            bool isWhole = stepMs % MsPerSecond == 0;
            if (row == 1) _isInSeconds = isWhole && !_prefersMs;
            if (_isInSeconds && !isWhole)
            {
                _prefersMs = true;
                return false;
            }

            if (!isWhole) _wasWhole = false;
            int step = _isInSeconds ? stepMs / MsPerSecond : stepMs;
            if (row == 1)
            {
                _period = step;
                _usualStep = step;
            }
            else
            {
                if (step != _period) _isRegular = false;
                AddResidual(TimeStream, row, unchecked(step - _usualStep));
                if (step == _lastStep) _usualStep = step;
            }

            _lastStep = step;
            _steadyMs = step == _usualStep ? stepMs : -1;
            return true;
        }

        // What this block teaches the next.
        private void EndTimeline()
        {
            if (_rows > 1 && !_isInSeconds && _wasWhole) _prefersMs = false;
        }
    }
}
