using System.Diagnostics;
using System.Globalization;
using Telemetry.Log.Disk;
using Telemetry.Testing;

namespace Telemetry.Ingest.Tests;

/// <summary>
/// Promise 1 under real kill -9 at random moments under load. A few here; 200 by
/// <c>TELEMETRY_KILLS=200 dotnet test tests/Telemetry.Ingest.Tests --filter KillTests</c>, or in parts, each with another <c>TELEMETRY_KILL_SEED</c>.
/// </summary>
public sealed class KillTests
{
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("TELEMETRY_KILLS"), out int kills) ? kills : 4;

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("TELEMETRY_KILL_SEED"), out int seed) ? seed : 20261122;

    [Fact]
    public void Kill_AtRandomMomentsUnderLoad_EveryAckedBatchIsStoredExactlyOnce()
    {
        Random random = new(Seed);
        using TempFolder folder = new();
        ulong[] acked = new ulong[KilledSender.Devices];
        for (int kill = 0; kill < Kills; kill++)
        {
            LiveAndDie(folder.Path, acked, random.Next(1, 3_000));
            if (kill % 20 == 19 || kill == Kills - 1) Check(folder.Path, acked, kill);
        }
    }

    // Reads acks up to a random one, kills, and takes every ack that got out before the end.
    private static void LiveAndDie(string folder, ulong[] acked, int killAfter)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(typeof(KilledSender).Assembly.Location);
        start.ArgumentList.Add("send-until-killed");
        start.ArgumentList.Add(folder);
        foreach (ulong seq in acked) start.ArgumentList.Add((seq + 1).ToString(CultureInfo.InvariantCulture));
        using Process process = Process.Start(start)!;
        int lines = 0;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            // The kill may cut the last line short: an ack that did not get out whole was not seen.
            if (words is ["acked", string device, string seq] && process.StandardOutput.Peek() != -1)
            {
                acked[int.Parse(device, CultureInfo.InvariantCulture) - 1] = ulong.Parse(seq, CultureInfo.InvariantCulture);
            }

            if (++lines == killAfter) process.Kill();
        }

        process.WaitForExit();
        Assert.True(lines >= killAfter, $"The sender ended by itself with {process.ExitCode} after {lines} acks.");
    }

    private static void Check(string folder, ulong[] acked, int kill)
    {
        FolderInspection found = FolderInspection.Of(new FileLogDisk(folder));
        // A write that the kill cut short may stand torn at the end of a segment; it was never acked and is not judged here.
        Assert.True(found is { Duplicates: 0, UnreadableBatches: 0, Missing: 0, DeadLetters: 0 }, $"seed {Seed} kill {kill}: {found}");
        // Without gaps and duplicates, the number of batches says that every acked one is there.
        Assert.InRange(found.Batches, acked.Sum(seq => (long)seq), long.MaxValue);
    }
}
