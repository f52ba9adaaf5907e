using System.Collections.Concurrent;

namespace Telemetry.Bench;

/// <summary>What a benchmark that is told to stop must not leave behind: processes, then their folders.</summary>
internal static class Leftovers
{
    private static readonly ConcurrentStack<Action> s_ends = new();

    /// <summary>Remembers how to end something; asked in reverse order, also when it is over already.</summary>
    public static void Add(Action end) => s_ends.Push(end);

    /// <summary>Ends everything.</summary>
    public static void End()
    {
        while (s_ends.TryPop(out Action? end))
        {
            try
            {
                end();
            }
            catch (Exception fault) when (fault is IOException or InvalidOperationException)
            {
                Console.Error.WriteLine($"Left behind: {fault.Message}");
            }
        }
    }
}
