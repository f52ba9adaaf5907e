namespace Telemetry.Device.Sampling
{
    // Columns that are noise about a level that hardly moves (WIRE.md, "Level column"). There a value tells little of the next one: two readings differ by the noise
    // of both, which takes half a bit more than the noise of one. So such a column is written as its distances from a running mean, in blocks of their own version.
    // What a block looked like chooses how the next is written.
    public partial class BlockEncoder
    {
        private const int LevelShift = 3;         // the level moves an eighth of the way to each value, and counts in eighths
        private const int FirstDistanceMean = 64; // eight units a row, in 1/8
        private const int DistanceShift = 3;

        // How much a column looks like noise: points, 0..63, more or fewer by what a row shows. At first none.
        private const int MostNoise = 63;
        private const int LeastNoise = 64 << 1;   // of the mean as it is kept: two units a row; calmer columns are not looked at
        private const int ToLevel = 40;           // so many, and a column turns to its level
        private const int FromLevel = 16;         // fewer, and it turns back
        private const int LeastNoiseBits = 3;     // a row, in differences
        private const int Returned = -8;          // points for a swap

        // With its level in 32 bits a column cannot stand about a value beyond +-2^28.
        private void ChooseKind(int stream, long value)
        {
            int kind = KindOf(stream);
            if (!IsNarrow(kind)) return;
            int noise = (_state[stream + Name] & NoiseMask) >> NoiseShift;
            bool isLevel = noise >= (kind == KindLevel ? FromLevel : ToLevel) && (int)value << LevelShift >> LevelShift == (int)value;
            _state[stream + Name] = (_state[stream + Name] & ~KindMask) | ((isLevel ? KindLevel : KindInteger) << KindShift);
            if (isLevel) _form |= FormLevels;
        }

        private void BeginLevel(int stream, int value)
        {
            _state[stream + Level] = value << LevelShift;
            _state[stream + Mean] = FirstDistanceMean;
            _state[stream + Due] = 0; // every row says something
        }

        private void AddAboutLevel(int stream, int value)
        {
            int level = _state[stream + Level];
            int distance = unchecked(value - (level >> LevelShift));
            _state[stream + Level] = unchecked(level + distance);
            uint magnitude = Magnitude(distance);
            int mean = _state[stream + Mean];
            int average = mean >> DistanceShift;
            int k = 0; // bits of the average
            while (average >> k != 0) k++;
            PutRice(stream, k, distance < 0 ? 1 : 0, magnitude, 0);
            _state[stream + Mean] = mean - average + (int)(magnitude < MaxCodedMagnitude ? magnitude : MaxCodedMagnitude);
            JudgeDistance(stream, value, magnitude);
        }

        // Noise goes up and down by turns, two times in three. What runs on, or rests in between, is better told by its differences; so is what jumps back: a swap
        // costs next to nothing. Noise comes near its last level but one by chance, but hardly ever within a sixteenth of the way.
        private void JudgeDifference(int stream, int row, int value, int difference)
        {
            int mean = _state[stream + Mean];
            if (mean >> 1 < FirstScaledMean && IsReturn(stream, value, Magnitude(difference)))
            {
                Judge(stream, Returned);
                return;
            }

            int due = _state[stream + Due];
            bool hasRested = due != 0 && row > due - MaxRun + 1;
            bool turns = (difference < 0) != ((mean & 1) != 0);
            Judge(stream, turns && !hasRested ? 1 : -1);
        }

        private bool IsReturn(int stream, int value, uint magnitude)
        {
            if (magnitude < JumpMagnitude) return false;
            uint near = Magnitude(unchecked(value - _state[stream + Other]));
            return near <= MaxNearSwap && near < magnitude >> 4;
        }

        // Where differences take less, no noise is worth a level.
        private void JudgeBlock(int stream)
        {
            if (KindOf(stream) == KindInteger && StreamBytes(stream) * 8 < LeastNoiseBits * _rows) Judge(stream, -MostNoise);
        }

        // Would the difference have been the shorter way to tell it?
        private void JudgeDistance(int stream, int value, uint magnitude)
        {
            uint step = Magnitude(unchecked(value - _state[stream + Last]));
            _state[stream + Last] = value;
            if (step > magnitude) Judge(stream, 1);
            else if (step < magnitude || step == 0) Judge(stream, -1);
        }

        private void Judge(int stream, int points)
        {
            int name = _state[stream + Name];
            int noise = ((name & NoiseMask) >> NoiseShift) + points;
            if ((uint)noise > MostNoise) noise = points < 0 ? 0 : MostNoise;
            _state[stream + Name] = (name & ~NoiseMask) | (noise << NoiseShift);
        }

        private static uint Magnitude(int difference)
        {
            int sign = difference >> 31;
            return (uint)((difference ^ sign) - sign);
        }
    }
}
