namespace Telemetry.Ingest.Sequences;

/// <summary>The arithmetic of mark and window. Seqs that leave the window unseen become gaps, so a late one is still known as new.</summary>
internal static class SeqWindow
{
    /// <summary>Seqs behind the mark that are told apart bit by bit.</summary>
    public const int Bits = 128;

    public static SeqVerdict Look(in SeqEntry entry, GapList? gaps, ulong seq)
    {
        if (seq <= entry.Mark) return gaps is null ? SeqVerdict.Seen : gaps.Look(seq);
        ulong ahead = seq - entry.Mark;
        if (ahead > Bits) return SeqVerdict.New;
        int bit = (int)(ahead - 1);
        ulong word = bit < 64 ? entry.WindowLow : entry.WindowHigh;
        return (word & (1UL << (bit & 63))) != 0 ? SeqVerdict.Seen : SeqVerdict.New;
    }

    /// <summary>Settles a seq that was new.</summary>
    /// <param name="entry">Its epoch.</param>
    /// <param name="gaps">The epoch's gaps; made when the first one appears.</param>
    /// <param name="seq">From 1.</param>
    /// <returns>True when seqs left the window unseen: there is a new gap.</returns>
    public static bool Settle(ref SeqEntry entry, ref GapList? gaps, ulong seq)
    {
        if (seq <= entry.Mark)
        {
            gaps!.Fill(seq);
            return false;
        }

        ulong ahead = seq - entry.Mark;
        UInt128 window = new(entry.WindowHigh, entry.WindowLow);
        bool hasNewGap = false;
        if (ahead > Bits)
        {
            ulong slide = ahead - Bits;
            hasNewGap = AddMissing(ref gaps, entry.Mark, window, slide);
            window = slide >= Bits ? UInt128.Zero : window >> (int)slide;
            entry.Mark += slide;
            ahead = Bits;
        }

        window |= UInt128.One << (int)(ahead - 1);
        int contiguous = (int)UInt128.TrailingZeroCount(~window);
        if (contiguous > 0)
        {
            entry.Mark += (ulong)contiguous;
            window = contiguous == Bits ? UInt128.Zero : window >> contiguous;
        }

        entry.WindowLow = (ulong)window;
        entry.WindowHigh = (ulong)(window >> 64);
        return hasNewGap;
    }

    /// <summary>Ranges not settled below the highest seq seen, oldest first.</summary>
    public static void ListMissing(in SeqEntry entry, GapList? gaps, List<SeqGap> missing)
    {
        if (gaps is not null) missing.AddRange(gaps.Ranges);

        // A gap that reaches the mark goes on behind it, where the window begins unseen: one range.
        bool goesOn = gaps is { Ranges: [.., { IsUnsure: false } newest] } && newest.Last == entry.Mark;
        UInt128 window = new(entry.WindowHigh, entry.WindowLow);
        ulong seq = entry.Mark + 1;
        while (window != UInt128.Zero)
        {
            int unseen = (int)UInt128.TrailingZeroCount(window);
            ulong last = seq + (ulong)unseen - 1;
            if (goesOn) missing[^1] = missing[^1] with { Last = last };
            else if (unseen > 0) missing.Add(new SeqGap(seq, last, false));
            goesOn = false;
            window >>= unseen;
            int seen = (int)UInt128.TrailingZeroCount(~window);
            window = seen == Bits ? UInt128.Zero : window >> seen;
            seq += (ulong)(unseen + seen);
        }
    }

    private static bool AddMissing(ref GapList? gaps, ulong mark, UInt128 window, ulong slide)
    {
        bool added = false;
        int fromWindow = (int)Math.Min(slide, Bits);
        for (int bit = 0; bit < fromWindow; bit++)
        {
            if ((window & (UInt128.One << bit)) != UInt128.Zero) continue;
            (gaps ??= new GapList()).Add(mark + (ulong)bit + 1, mark + (ulong)bit + 1);
            added = true;
        }

        if (slide > Bits)
        {
            (gaps ??= new GapList()).Add(mark + Bits + 1, mark + slide);
            added = true;
        }

        return added;
    }
}
