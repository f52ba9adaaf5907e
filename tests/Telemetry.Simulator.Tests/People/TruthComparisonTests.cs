using Telemetry.Simulator.People;
using Telemetry.Wire.V1;

namespace Telemetry.Simulator.Tests.People;

public class TruthComparisonTests
{
    private const long Start = 1_772_431_200_000;
    private const long Minute = 60_000;

    [Fact]
    public void Add_SegmentsAroundAndInsideTheTruth_CountsMinuteByMinute()
    {
        TrueMinute[] truth =
        [
            new(Activity.Sleep, Place.Home, false), new(Activity.Sleep, Place.Home, false),
            new(Activity.Walk, Place.Other, false), new(Activity.Rest, Place.Home, IsBandOff: true), new(Activity.Rest, Place.Home, false),
        ];
        Segment[] segments =
        [
            new() { Scenario = "sleep", StartUnixMs = Start - (10 * Minute), EndUnixMs = Start + (2 * Minute) },
            new() { Scenario = "run", StartUnixMs = Start + (2 * Minute), EndUnixMs = Start + (3 * Minute) },
            new() { Scenario = "off", StartUnixMs = Start + (3 * Minute), EndUnixMs = Start + (4 * Minute) },
        ];

        TruthComparison comparison = new();
        comparison.Add(truth, Start, segments);

        Assert.Equal((5, 3), (comparison.Minutes, comparison.Agreeing));
        Assert.Equal(0.6, comparison.Agreement);
        Assert.Equal(1, comparison.Cells[("walk", "run")]);
        Assert.Equal(1, comparison.Cells[("rest", TruthComparison.Missing)]);
        Assert.Equal((1L, 1L), (comparison.TrueMinutes("off"), comparison.DerivedMinutes("off")));
    }
}
