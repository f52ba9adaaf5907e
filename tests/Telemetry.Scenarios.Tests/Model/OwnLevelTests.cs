using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Tests.Model;

public sealed class OwnLevelTests
{
    [Fact]
    public void Apply_ScenarioSaidMoreThanUsual_CountsLessByWeightAndNoMoreThanThat()
    {
        OwnLevel level = new(Bound(new UsualShares(60, 0.5, [0.5, 0.5])));
        float[] first = [1, 0];
        level.Apply(100, first);
        Assert.Equal([1f, 0f], first); // nothing is known of the person yet

        float[] second = [1, 0];
        level.Apply(101, second);
        double own = 1 / (1 + Math.Exp(-1)); // the first minute's share
        Assert.Equal(1 - (0.5 * Math.Log((own + 0.05) / 0.55)), second[0], 4);
        Assert.Equal(0.5 * Math.Log(0.55 / (1 - own + 0.05)), second[1], 4);

        float[] last = [];
        for (int minute = 102; minute < 500; minute++) level.Apply(minute, last = [20, 0]);
        Assert.Equal(20 - (0.5 * Math.Log(1.05 / 0.55)), last[0], 3);
        Assert.Equal(0.5, last[1], 3); // log(0.55 / 0.05) is held at 1
    }

    [Fact]
    public void Apply_AModelWithoutUsual_LeavesScoresAsTheyAre()
    {
        OwnLevel level = new(Bound(null));
        float[] scores = [3, 1];
        for (int minute = 0; minute < 10; minute++) level.Apply(minute, scores);
        Assert.Equal([3f, 1f], scores);
        Assert.Equal(0, level.StateBytes);
    }

    [Fact]
    public void CopyTo_Another_GoesOnAlike()
    {
        BoundModel model = Bound(new UsualShares(60, 1, [0.7, 0.3]));
        OwnLevel one = new(model), other = new(model);
        for (int minute = 0; minute < 30; minute++) one.Apply(minute, (float[])[minute % 3, 1]);
        one.CopyTo(other);
        float[] ofOne = [1, 0], ofOther = [1, 0];
        one.Apply(30, ofOne);
        other.Apply(30, ofOther);
        Assert.Equal(ofOne, ofOther);
        Assert.NotEqual(1, ofOne[0]);
    }

    private static BoundModel Bound(UsualShares? usual) => new(
        ModelFile.Default with { Scenarios = [new ScenarioShape("a", 0.5, 1, 10), new ScenarioShape("b", 0.5, 1, 10)], Terms = [], Next = null, Usual = usual }, []);
}
