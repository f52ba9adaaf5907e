namespace Telemetry.Log.Rewriting;

/// <summary>Which neighbouring segments become one.</summary>
/// <remarks>A merge makes at least 1.75 times as much of its largest part: about double, so that two alike may be joined. So a byte is written anew at most
/// log(segmentBytes / smallest part) / log(1.75) times, and what stays apart between two full segments about halves from one to the next: a handful of small files where there were hundreds.</remarks>
internal static class MergePlan
{
    /// <summary>How many segments from the first one on to join.</summary>
    /// <param name="sizes">Bytes of the records of neighbours.</param>
    /// <param name="most">Bytes of records that one segment takes.</param>
    /// <returns>1 = none.</returns>
    public static int CountToJoin(ReadOnlySpan<long> sizes, long most)
    {
        (int joined, long sum, long largest) = (1, 0, 0);
        for (int i = 0; i < sizes.Length && sum + sizes[i] <= most; i++)
        {
            sum += sizes[i];
            largest = Math.Max(largest, sizes[i]);
            if (4 * sum >= 7 * largest) joined = i + 1;
        }

        return joined;
    }
}
