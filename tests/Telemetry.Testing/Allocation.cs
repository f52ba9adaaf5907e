namespace Telemetry.Testing;

/// <summary>What work allocates, for tests that say it allocates nothing.</summary>
public static class Allocation
{
    private const int Rounds = 10;

    /// <summary>Does the work again and again on this thread.</summary>
    /// <returns>The least bytes a round took. Work that allocates does so in every round; a collection in the middle of one counts the rest of the thread's buffer,
    /// up to 8 KB, as taken, and must not decide.</returns>
    public static long LeastBytes(Action work)
    {
        long least = long.MaxValue;
        for (int round = 0; round < Rounds && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
