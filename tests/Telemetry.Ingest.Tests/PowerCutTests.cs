using Telemetry.Ingest.Sequences;
using Telemetry.Log.Tests;

namespace Telemetry.Ingest.Tests;

/// <summary>
/// Promise 1 under power cuts. The number of cuts is bounded here; 10,000 and more by
/// <c>TELEMETRY_POWER_CUTS=10000 dotnet test tests/Telemetry.Ingest.Tests --filter PowerCutTests</c>.
/// </summary>
public sealed class PowerCutTests
{
    private const int PlantedCuts = 150;

    private static int Cuts => int.TryParse(Environment.GetEnvironmentVariable("TELEMETRY_POWER_CUTS"), out int cuts) ? cuts : 500;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void PowerCuts_AtAnyChange_NothingAckedIsLostNothingStoredTwice(int seed)
    {
        PowerCutFindings found = new PowerCutRun(seed, random => new SimulatedDisk(random)).Run(Cuts / 2);
        Assert.True(found is { AckedLost: 0, StoredTwice: 0, NotConserved: 0 }, $"seed {seed}: {found}");
        Assert.InRange(found.AckedBatches, found.Cuts, int.MaxValue);
    }

    [Fact]
    public void PlantedBug_AckBeforeFlush_IsCaught()
    {
        PowerCutFindings found = new PowerCutRun(3, random => new SimulatedDisk(random) { SkipsFlush = true }).Run(PlantedCuts, f => f.AckedLost > 0);
        Assert.NotEqual(0, found.AckedLost);
    }

    [Fact]
    public void PlantedBug_MissingDirectoryFlush_IsCaught()
    {
        PowerCutFindings found = new PowerCutRun(4, random => new SimulatedDisk(random) { SkipsDirectoryFlush = true }).Run(PlantedCuts, f => f.AckedLost > 0);
        Assert.NotEqual(0, found.AckedLost);
    }

    [Theory]
    [InlineData(+1)]
    [InlineData(-1)]
    public void PlantedBug_WindowOffByOne_IsCaught(int error)
    {
        // A rebuilt mark that is one too high acks a batch that was never stored; one too low stores a batch twice.
        void Shift(IngestService service)
        {
            foreach (IngestShard shard in service.Shards)
            {
                for (int i = 0; i < shard.Table.Count; i++)
                {
                    ref SeqEntry entry = ref shard.Table[i];
                    if (entry.Mark > 0) entry.Mark = (ulong)((long)entry.Mark + error);
                }
            }
        }

        int Harm(PowerCutFindings found) => error > 0 ? found.AckedLost : found.StoredTwice;
        Assert.NotEqual(0, Harm(new PowerCutRun(5, random => new SimulatedDisk(random), Shift).Run(PlantedCuts, found => Harm(found) > 0)));
    }
}
