namespace Telemetry.Ingest.Sequences;

/// <summary>Seqs that never came, both ends included.</summary>
/// <param name="First">The least.</param>
/// <param name="Last">The greatest.</param>
/// <param name="IsUnsure">Some in between did come: only the log tells which.</param>
public readonly record struct SeqGap(ulong First, ulong Last, bool IsUnsure);

/// <summary>
/// The gaps of one epoch below its mark, ascending, at most <see cref="MaxRanges"/>. When there would be more, the two oldest
/// become one that is unsure: memory stays bounded and no batch is ever mistaken, the log is asked instead.
/// </summary>
internal sealed class GapList
{
    public const int MaxRanges = 64;
    private readonly List<SeqGap> _ranges = new(1);

    public IReadOnlyList<SeqGap> Ranges => _ranges;

    public SeqVerdict Look(ulong seq)
    {
        int at = Find(seq);
        if (at < 0) return SeqVerdict.Seen;
        return _ranges[at].IsUnsure ? SeqVerdict.Unsure : SeqVerdict.New;
    }

    /// <summary>Adds a gap that lies above all others.</summary>
    public void Add(ulong first, ulong last, bool isUnsure = false)
    {
        if (_ranges.Count > 0 && _ranges[^1] is { IsUnsure: false } top && top.Last + 1 == first && !isUnsure)
        {
            _ranges[^1] = top with { Last = last };
            return;
        }

        _ranges.Add(new SeqGap(first, last, isUnsure));
        Bound();
    }

    /// <summary>Takes a seq out of the gap that holds it.</summary>
    public void Fill(ulong seq)
    {
        int at = Find(seq);
        SeqGap gap = _ranges[at];
        if (gap.First == gap.Last)
        {
            _ranges.RemoveAt(at);
        }
        else if (seq == gap.Last)
        {
            _ranges[at] = gap with { Last = seq - 1 }; // what comes newest first ends here
        }
        else
        {
            _ranges[at] = gap with { First = seq + 1 };
            if (seq == gap.First) return;
            _ranges.Insert(at, gap with { Last = seq - 1 });
            Bound();
        }
    }

    private void Bound()
    {
        while (_ranges.Count > MaxRanges)
        {
            _ranges[0] = new SeqGap(_ranges[0].First, _ranges[1].Last, true);
            _ranges.RemoveAt(1);
        }
    }

    private int Find(ulong seq)
    {
        int low = 0, high = _ranges.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (seq < _ranges[middle].First) high = middle - 1;
            else if (seq > _ranges[middle].Last) low = middle + 1;
            else return middle;
        }

        return -1;
    }
}
