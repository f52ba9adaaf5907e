namespace Telemetry.Device.Sampling
{
    // How integer columns and timelines become bits (WIRE.md, "Integer column"). A token is a run of unchanged rows and the difference
    // that ends it; which prefix codes it uses follows from the running mean of past differences, so no header carries a parameter.
    public partial class BlockEncoder
    {
        private const int FirstMean = 16;         // half a unit a row, in 1/32
        private const int FirstScaledMean = 512;  // from 16 units a row on, differences are Rice coded
        private const int FirstNoisyMean = 128;   // from 4 units a row on, zeros are coded one by one
        private const int MaxCodedMagnitude = 1 << 22;
        private const int MaxRun = 64;
        private const int MaxQuotient = 10;
        private const int JumpMagnitude = 16;
        private const int MaxNamed = 4;           // magnitudes that have symbols of their own
        private const int MaxRange = 128;
        private const int MeanShift = 5;          // the mean counts in 1/32
        private const int LeastBound = 128;
        private const int MaxNearSwap = 62;
        private const int FirstValueBits = 7;

        // A row without a change that is due: the 64th of a run, or any while the signal is noisy.
        private void AddZero(int stream, int row)
        {
            int mean = _state[stream + Mean] >> 1;
            int activityClass = mean < FirstScaledMean ? BlockCodes.ActivityClass(mean) : 0;
            if (mean < FirstNoisyMean)
            {
                PutCode(stream, BlockCodes.Run(activityClass, BlockCodes.FullRunSymbol));
                mean = 0;
            }
            else if (mean < FirstScaledMean)
            {
                PutCode(stream, BlockCodes.Difference(BlockCodes.DifferenceTableOf(activityClass, false), BlockCodes.ZeroSymbol));
            }
            else
            {
                PutRice(stream, RiceBits(mean), 0, 0, 0);
            }

            EndToken(stream, row, mean >> 1, _state[stream + Mean] & 1);
        }

        // A pending run that the end of the block ends.
        private void EndRun(int stream, int lastRow)
        {
            int due = _state[stream + Due];
            if (due != 0 && lastRow > due - MaxRun) PutCode(stream, BlockCodes.Run(BlockCodes.ActivityClass(_state[stream + Mean] >> 1), BlockCodes.FullRunSymbol));
        }

        private void EndToken(int stream, int row, int mean, int falling)
        {
            _state[stream + Mean] = (mean << 1) | falling;
            _state[stream + Due] = mean < FirstNoisyMean ? row + MaxRun : 0;
        }

        // A change by 1..15. `falling` is 1 where the value falls, else 0.
        private void AddDifference(int stream, int row, int falling, int magnitude)
        {
            int mean = _state[stream + Mean] >> 1;
            if (mean >= FirstScaledMean)
            {
                PutRice(stream, RiceBits(mean), falling, (uint)magnitude, 0);
            }
            else
            {
                int prefix = Prefix(stream, row, ref mean, out int table);

                // The sign of 1..4 is told relative to the last one, because signals drift or alternate.
                if (magnitude <= MaxNamed) PutPrefixed(stream, prefix, BlockCodes.Difference(table, ((magnitude - 1) << 1) + (falling ^ (_state[stream + Mean] & 1))));
                else PutRange(stream, prefix, table, falling, magnitude);
            }

            EndToken(stream, row, Follow(mean, magnitude << MeanShift), falling);
        }

        // A change by 16 or more; `near` is its distance from the level before the last jump.
        private void AddJump(int stream, int row, int falling, uint magnitude, uint magnitudeHigh, int near)
        {
            int mean = _state[stream + Mean] >> 1;
            int seen = magnitudeHigh != 0 || magnitude > MaxCodedMagnitude ? MaxCodedMagnitude << MeanShift : (int)magnitude << MeanShift;
            if (mean >= FirstScaledMean)
            {
                PutRice(stream, RiceBits(mean), falling, magnitude, magnitudeHigh);
            }
            else
            {
                int prefix = Prefix(stream, row, ref mean, out int table);
                if (IsSwap(near, magnitude, magnitudeHigh))
                {
                    PutSwap(stream, prefix, table, near);
                    seen = 0;
                }
                else if (magnitudeHigh == 0 && magnitude <= MaxRange)
                {
                    PutRange(stream, prefix, table, falling, (int)magnitude);
                }
                else
                {
                    PutPrefixed(stream, prefix, BlockCodes.Difference(table, BlockCodes.FarSymbol));
                    PutFar(stream, falling, magnitude, magnitudeHigh);
                }
            }

            EndToken(stream, row, Follow(mean, seen), falling);
        }

        private static bool IsSwap(int near, uint magnitude, uint magnitudeHigh)
        {
            if (near < -MaxNearSwap || near > MaxNearSwap) return false;
            int distance = near < 0 ? -near : near;
            return magnitudeHigh != 0 || (uint)(distance << 2) < magnitude;
        }

        // The code of the run before this row, 0 where runs are not coded, and the table of the difference behind it; the mean falls with each row of a run.
        private int Prefix(int stream, int row, ref int mean, out int table)
        {
            int activityClass = BlockCodes.ActivityClass(mean);
            table = BlockCodes.DifferenceTableOf(activityClass, false);
            if (mean >= FirstNoisyMean) return 0;
            int run = row - _state[stream + Due] + MaxRun - 1;
            if (run == 0) table = BlockCodes.DifferenceTableOf(activityClass, true);
            mean = run > 30 ? 0 : mean >> run;
            return BlockCodes.RunPrefix(activityClass, run);
        }

        // One far difference raises the mean at most fivefold, or to two units: a spike is soon forgotten, a noisy signal soon learnt.
        private static int Follow(int mean, int seen)
        {
            int bound = (mean << 2) + LeastBound;
            return (mean + (seen < bound ? seen : bound)) >> 1;
        }

        private void PutPrefixed(int stream, int prefix, int code)
        {
            PutBits(stream, Joined(prefix, code), (prefix >> BlockCodes.LengthShift) + (code >> BlockCodes.LengthShift));
        }

        // A difference code behind the code of its run.
        private static uint Joined(int prefix, int code)
        {
            return (uint)((prefix & BlockCodes.CodeMask) | ((code & BlockCodes.CodeMask) << (prefix >> BlockCodes.LengthShift)));
        }

        // 5-6, 7-8, 9-12, 13-16, 17-24, ... 97-128; all in one piece of at most 11 + 8 + 1 + 5 bits.
        private void PutRange(int stream, int prefix, int table, int falling, int magnitude)
        {
            int rest = magnitude - 1;
            int extra = BlockCodes.BitCount(rest >> 2);
            int code = BlockCodes.Difference(table, BlockCodes.FirstRangeSymbol + ((extra - 1) << 1) + ((rest >> extra) & 1));
            int length = (prefix >> BlockCodes.LengthShift) + (code >> BlockCodes.LengthShift);
            uint tail = (uint)(falling | ((rest & ((1 << extra) - 1)) << 1));
            PutBits(stream, Joined(prefix, code) | (tail << length), length + 1 + extra);
        }

        // Back to the level before the last jump, exactly or nearly.
        private void PutSwap(int stream, int prefix, int table, int near)
        {
            if (near == 0)
            {
                PutPrefixed(stream, prefix, BlockCodes.Difference(table, BlockCodes.SwapSymbol));
                return;
            }

            PutPrefixed(stream, prefix, BlockCodes.Difference(table, BlockCodes.NearSwapSymbol));
            PutBits(stream, near < 0 ? 1u : 0, 1);
            PutExpGolomb(stream, (uint)(near < 0 ? -near : near) - 1, 2);
        }

        // Of a mean of 512 and more.
        private static int RiceBits(int mean)
        {
            int k = 4; // bits of the mean - 6
            while (mean >> (k + 6) != 0) k++;
            return k;
        }

        private void PutRice(int stream, int k, int falling, uint magnitude, uint magnitudeHigh)
        {
            if (magnitudeHigh != 0 || magnitude > (uint)(MaxQuotient << k) >> 1)
            {
                PutBits(stream, 1u << MaxQuotient, MaxQuotient + 1);
                PutFar(stream, falling, magnitude, magnitudeHigh);
                return;
            }

            uint code = magnitude == 0 ? 0 : (magnitude << 1) - 1 + (uint)falling;
            int quotient = (int)(code >> k);
            if (quotient == MaxQuotient)
            {
                PutBits(stream, 1u << MaxQuotient, MaxQuotient + 1);
                PutFar(stream, falling, magnitude, 0);
                return;
            }

            PutBits(stream, 1u << quotient, quotient + 1);
            PutBits(stream, code & ((1u << k) - 1), k);
        }

        // Sign, six bits of length, then the magnitude without its leading one.
        private void PutFar(int stream, int falling, uint magnitude, uint magnitudeHigh)
        {
            int length = 0;
            for (uint m = magnitudeHigh != 0 ? magnitudeHigh : magnitude; m > 1; m >>= 1) length++;
            if (magnitudeHigh != 0) length += 32;
            PutBits(stream, (uint)(falling | (length << 1)), 7);
            PutLong(stream, magnitude, magnitudeHigh, length);
        }

        private void PutFirst(int stream, long value)
        {
            ulong code = (ulong)((value << 1) ^ (value >> 63));
            ulong quotient = (code >> FirstValueBits) + 1;
            int length = 0;
            while (quotient >> length > 1) length++;
            PutLong(stream, 0, 0, length);
            PutBits(stream, 1, 1);
            PutLong(stream, (uint)quotient, (uint)(quotient >> 32), length);
            PutBits(stream, (uint)code & ((1u << FirstValueBits) - 1), FirstValueBits);
        }
    }
}
