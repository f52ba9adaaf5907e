using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Tests.Training;

public sealed class BlankedInputsTests
{
    private static readonly string[] Names = ["watch:motion", "watch:pulse", "phone:motion", "hour"];
    private static readonly InputSource[] Inputs = [.. Names.Append("watch:motion.z1440").Select(name => InputSource.Parse(name, Names))];

    [Fact]
    public void AddTo_Devices_TakesAllInputsOfOneTogetherAndLeavesTheMinutesThemselves()
    {
        (List<float[]> rows, List<int> labels) = Rows(400);
        new BlankedInputs(Devices: 0.5, Single: 0).AddTo(rows, labels, Inputs, seed: 1);

        Assert.Equal(800, rows.Count);
        Assert.Equal(labels[..400], labels[400..]);
        Assert.All(rows[..400], row => Assert.DoesNotContain(row, float.IsNaN));
        Assert.All(rows[400..], row => Assert.True(float.IsNaN(row[0]) == float.IsNaN(row[1]) && float.IsNaN(row[0]) == float.IsNaN(row[4]) && !float.IsNaN(row[3])));
        Assert.InRange(rows[400..].Count(row => float.IsNaN(row[0])), 160, 240);
        Assert.InRange(rows[400..].Count(row => float.IsNaN(row[0]) && float.IsNaN(row[2])), 60, 140); // each device by itself
    }

    [Fact]
    public void AddTo_Single_TakesEachInputByItself()
    {
        (List<float[]> rows, List<int> labels) = Rows(400);
        new BlankedInputs(Devices: 0, Single: 0.25).AddTo(rows, labels, Inputs, seed: 1);
        Assert.All(Enumerable.Range(0, Inputs.Length), input => Assert.InRange(rows.Count(row => float.IsNaN(row[input])), 60, 140));
    }

    private static (List<float[]> Rows, List<int> Labels) Rows(int count) =>
        ([.. Enumerable.Range(0, count).Select(i => Enumerable.Repeat((float)i, Inputs.Length).ToArray())], [.. Enumerable.Range(0, count).Select(i => i % 3)]);
}
