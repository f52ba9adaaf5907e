using Telemetry.Simulator.Faults;

namespace Telemetry.Simulator.Tests.Faults;

public class FaultPlanTests
{
    [Fact]
    public void Parse_EveryKind_IsRead()
    {
        FaultPlan plan = FaultPlan.Parse(
            """
            {
              // comments are welcome
              "faults": [
                { "kind": "cut", "atMinute": 30, "everyMinutes": 60 },
                { "kind": "offline", "devices": "lumo/*", "atMinute": 10, "minutes": 90 },
                { "kind": "loseAcks", "devices": "lumo/band-0001", "atMinute": 5 },
                { "kind": "clockStep", "seconds": -3600 },
                { "kind": "drift", "ppm": 40 },
              ]
            }
            """);

        Assert.Equal([FaultKind.Cut, FaultKind.Offline, FaultKind.LoseAcks, FaultKind.ClockStep, FaultKind.Drift], plan.Faults.Select(fault => fault.Kind));
    }

    [Fact]
    public void EventsOf_Repetition_EndsWithTheRunAndConcernsOnlyItsDevices()
    {
        FaultPlan plan = FaultPlan.Parse("""{"faults":[{"kind":"cut","devices":"lumo/*","atMinute":30,"everyMinutes":60},{"kind":"loseAcks","devices":"hearth/r-1","atMinute":1}]}""");

        Assert.Equal([30 * 60_000L, 90 * 60_000L, 150 * 60_000L], plan.EventsOf("lumo/band-1", seed: 1, minutes: 200).Select(fault => fault.AfterMs));
        Assert.Equal([FaultKind.LoseAcks], plan.EventsOf("hearth/r-1", seed: 1, minutes: 200).Select(fault => fault.Fault.Kind));
        Assert.Empty(plan.EventsOf("hearth/r-2", seed: 1, minutes: 200));
    }

    [Fact]
    public void EventsOf_Jitter_DiffersBetweenDevicesAndRepeatsWithTheSeed()
    {
        FaultPlan plan = FaultPlan.Parse("""{"faults":[{"kind":"cut","atMinute":30,"jitterMinutes":10}]}""");
        long At(string device, ulong seed) => plan.EventsOf(device, seed, minutes: 60).Single().AfterMs;

        Assert.Equal(At("a/1", 7), At("a/1", 7));
        Assert.NotEqual(At("a/1", 7), At("a/2", 7));
        Assert.NotEqual(At("a/1", 7), At("a/1", 8));
        Assert.InRange(At("a/1", 7), 30 * 60_000, 40 * 60_000);
    }

    [Theory]
    [InlineData("""{"faults":[{"kind":"explode"}]}""", "line 1")]
    [InlineData("""{"faults":[{"kind":"cut","atMinute":-1}]}""", "faults[0]: atMinute is -1")]
    [InlineData("""{"faults":[{"kind":"cut"},{"kind":"offline"}]}""", "faults[1]: minutes is 0")]
    [InlineData("""{"faults":[{"kind":"cut","everyMinutes":0.001}]}""", "everyMinutes")]
    [InlineData("""{"faults":[{"kind":"drift","ppm":9000}]}""", "ppm is 9000")]
    [InlineData("""{"faults":[{"kind":"cut","att":1}]}""", "att")]
    [InlineData("null", "found null")]
    [InlineData("{", "line 1")]
    public void Parse_Faulty_SaysWhatAndWhere(string json, string expected)
    {
        Assert.Contains(expected, Assert.Throws<InputException>(() => FaultPlan.Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MissingFile_NamesIt()
    {
        Assert.Contains("--faults '/none.json'", Assert.Throws<InputException>(() => FaultPlan.Read("/none.json")).Message, StringComparison.Ordinal);
    }
}
