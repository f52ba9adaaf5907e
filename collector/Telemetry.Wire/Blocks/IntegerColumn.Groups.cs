using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Telemetry.Wire.Blocks;

// The loop that nearly every token passes.
internal static partial class IntegerColumn
{
    // Takes groups of tokens while the table lists them and they lie before `end`. A method of its own, so that its state lives in registers:
    // one stored and reloaded on the chain from mean to mean costs five cycles a token. `to` has state.Left entries to fill and Slack behind
    // them; the window reaches BlockCursor.Padding bytes beyond `end`, so a word may be loaded from any position before it.
    // Rows are stored eight at a time, and so run past what they should fill: what comes later overwrites them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TakeGroups<TStream>(ref long to, ReadOnlySpan<byte> window, int end, ref State state)
        where TStream : struct, IIntegerStream
    {
        ref byte from = ref MemoryMarshal.GetReference(window);
        ref TokenGroup groups = ref MemoryMarshal.GetArrayDataReference(TokenGroups.Entries);
        int position = state.Position;
        int left = state.Left;
        long value = state.Value;
        long sign = state.Sign;
        uint mean = state.Mean;
        FillEight(ref to, Repeated<TStream>(value));
        while (left > 0 && position <= end)
        {
            ulong bits = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref from, (nint)((uint)position >> 3))) >> (position & 7);
            uint index = (uint)(TokenGroups.IndexOf(mean) + (int)(bits & ((1 << TokenGroups.LookupBits) - 1)));
            ref TokenGroup group = ref Unsafe.Add(ref groups, (nint)index);
            if (group.Kind == GroupKind.Small)
            {
                int rest = left - group.Last - 1;
                if (rest < 0)
                {
                    // The column may end behind the first of two; the second was read from the padding, or from the next stream.
                    if (left != group.First + 1) break;
                    Unsafe.Add(ref to, (nint)group.First) = Step<TStream>(value, Signed(group.FirstStep, sign & group.SignMask));
                    position += group.FirstBits;
                    left = 0;
                    break;
                }

                mean = (mean + group.Gain) >> group.MeanShift;
                position += group.Bits;
                sign &= group.SignMask;
                long first = Signed(group.FirstStep, sign), both = Signed(group.LastStep, sign);
                sign ^= group.Turn;
                ref long firstTo = ref Unsafe.Add(ref to, (nint)group.First);
                ref long lastTo = ref Unsafe.Add(ref to, (nint)group.Last);
                if (TStream.IsTimeline)
                {
                    FillEight(ref firstTo, 0);
                    FillEight(ref Unsafe.Add(ref lastTo, 1), 0);
                    lastTo = both - first; // 0 if there is one
                    firstTo = first;
                }
                else
                {
                    FillEight(ref firstTo, Step<TStream>(value, first));
                    value = Step<TStream>(value, both);
                    FillEight(ref lastTo, value);
                }

                to = ref Unsafe.Add(ref lastTo, 1);
                left = rest;
                continue;
            }

            if (group.Kind >= GroupKind.FullRun)
            {
                if (group.Kind == GroupKind.Unlisted) break;
                for (nint row = 0; row < MaxRun + 8; row += 8) FillEight(ref Unsafe.Add(ref to, row), Repeated<TStream>(value));
                int all = Math.Min(MaxRun, left);
                position += group.Bits;
                mean = 0;
                left -= all;
                to = ref Unsafe.Add(ref to, (nint)all);
                continue;
            }

            int run = group.First;
            if (run >= left) break; // malformed: the slow path will say so
            for (nint row = 7; row < run; row += 8) FillEight(ref Unsafe.Add(ref to, row), Repeated<TStream>(value));
            ulong tail = bits >> group.FirstBits;
            int taken = group.Bits;
            long level = Repeated<TStream>(value);
            uint fallen = (uint)((ulong)mean >> run);
            if (group.Kind >= GroupKind.Swap)
            {
                long target = state.Other;
                if (group.Kind == GroupKind.NearSwap)
                {
                    // sign, then an exponential Golomb number of order 2
                    int zeros = BitOperations.TrailingZeroCount(tail >> 1);
                    if (zeros > MaxGolombZeros) break; // malformed; nothing has been taken yet
                    ulong low = tail >> (zeros + 2);
                    uint quotient = (1u << zeros) + ((uint)low & ((1u << zeros) - 1));
                    target += Signed(((quotient - 1) << 2) + ((uint)(low >> zeros) & 3) + 1, -(long)(tail & 1));
                    taken += zeros + zeros + 4;
                }

                sign = Between<TStream>(level, target) >> 63;
                value = TStream.IsNarrow ? (int)target : target;
                state.Other = TStream.IsTimeline ? value : level;
                mean = fallen >> 1;
            }
            else
            {
                uint magnitude = group.Gain + ((uint)(tail >> 1) & group.ExtraMask);
                sign = group.Kind == GroupKind.LongRun ? sign ^ group.Turn : -(long)(tail & 1);
                value = Step<TStream>(value, Signed(magnitude, sign));
                if (magnitude >= JumpMagnitude) state.Other = TStream.IsTimeline ? value : level;
                mean = Follow(fallen, (int)magnitude << 5);
            }

            position += taken;
            ref long changed = ref Unsafe.Add(ref to, (nint)run);
            FillEight(ref changed, Repeated<TStream>(value));
            if (TStream.IsTimeline) changed = value;
            to = ref Unsafe.Add(ref changed, 1);
            left -= run + 1;
        }

        state.Position = position;
        state.Left = left;
        state.Value = value;
        state.Sign = sign;
        state.Mean = mean;
    }

    // sign is 0 or -1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Signed(long magnitude, long sign) => (magnitude ^ sign) - sign;

    // What rows without a change hold: a timeline's residuals are 0 there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Repeated<TStream>(long value)
        where TStream : struct, IIntegerStream => TStream.IsTimeline ? 0 : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillEight(ref long to, long value)
    {
        Vector256<long> four = Vector256.Create(value);
        four.StoreUnsafe(ref to);
        four.StoreUnsafe(ref to, 4);
    }
}
