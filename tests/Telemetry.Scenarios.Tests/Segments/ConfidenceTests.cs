using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Segments;

public sealed class ConfidenceTests
{
    private const float Odds = 1; // log-odds of "a" against "b" in every minute

    [Fact]
    public void Verdict_ManyMinutesThatEachSayLittle_IsNoSurerThanTheirEvidence()
    {
        ScenarioFilter byProbability = new(Bound(evidence: 0)), byEvidence = new(Bound(evidence: 1)), between = new(Bound(evidence: 0.25));
        for (int minute = 0; minute < 60; minute++)
        {
            foreach (ScenarioFilter filter in (ScenarioFilter[])[byProbability, byEvidence, between]) filter.PushScores(minute, [Odds, 0], hasEvidence: true);
        }

        double share = Share(Odds);
        Assert.InRange(byProbability.Verdict(0).Confidence, 0.95, 1);
        Assert.Equal(share, byEvidence.Verdict(0).Confidence, 4);
        Assert.Equal(share, byEvidence.Verdict(ScenarioFilter.LagMinutes).Confidence, 4);
        Assert.Equal((0.75 * byProbability.Verdict(0).Confidence) + (0.25 * share), between.Verdict(0).Confidence, 4);
    }

    [Fact]
    public void Verdict_MinutesWithoutEvidence_SpeakForEveryScenarioAlike()
    {
        ScenarioFilter filter = new(Bound(evidence: 1));
        for (int minute = 0; minute < 10; minute++) filter.PushScores(minute, [Odds, 0], hasEvidence: true);
        for (int minute = 10; minute < 12; minute++) filter.PushScores(minute, [], hasEvidence: false);

        // Four of the six minutes at hand spoke; the newest itself says nothing, the third before it does.
        double around = ((4 * Share(Odds)) + (2 * 0.5)) / 6;
        Assert.Equal((0.5 + around) / 2, filter.Verdict(0).Confidence, 4);
        Assert.Equal((Share(Odds) + around) / 2, filter.Verdict(3).Confidence, 4);
    }

    [Fact]
    public void Verdict_FirstMinute_CountsTheMinutesBeforeAsSilent()
    {
        ScenarioFilter filter = new(Bound(evidence: 1));
        filter.PushScores(0, [Odds, 0], hasEvidence: true);
        double around = (Share(Odds) + (5 * 0.5)) / 6;
        Assert.Equal((Share(Odds) + around) / 2, filter.Verdict(0).Confidence, 4);
    }

    // Of the likelihoods 1 and floor + (1 - floor) / e.
    private static double Share(double odds) => 1 / (1 + 0.01 + (0.99 * Math.Exp(-odds)));

    private static BoundModel Bound(double evidence) => new(
        new ScenarioModel
        {
            Format = 1,
            Version = "t",
            About = "",
            EmissionWeight = 1,
            EmissionFloor = 0.01,
            AbstainBelow = 0,
            Scenarios = [new ScenarioShape("a", 0.5, 2, 30), new ScenarioShape("b", 0.5, 2, 30)],
            Inputs = [],
            Terms = [],
            Trees = [],
            Calibration = new Calibration([0, 1], [0, 1], evidence),
        },
        []);
}
