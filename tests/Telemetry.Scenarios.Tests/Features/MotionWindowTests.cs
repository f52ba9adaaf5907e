using Telemetry.Scenarios.Features;

namespace Telemetry.Scenarios.Tests.Features;

public sealed class MotionWindowTests
{
    [Theory]
    [InlineData(10)]
    [InlineData(14)]
    [InlineData(20)]
    public void Read_StepsOfAKnownPeriod_FindsThePeriod(int period)
    {
        int[] features = Read(i => (int)(300 * Math.Sin(2 * Math.PI * i / period)));
        Assert.Equal(period, features[IndexOf("acc_period")]);
        Assert.InRange(features[IndexOf("acc_rhythm")], 900, 1000);
    }

    [Fact]
    public void Read_LyingStill_HasNoMovementInIt()
    {
        int[] features = Read(_ => 0);
        Assert.Equal(981, features[IndexOf("acc_z_mean")]);
        Assert.Equal(0, features[IndexOf("acc_m_dev")]);
        Assert.Equal(0, features[IndexOf("acc_z_cross")]);
    }

    [Fact]
    public void Read_LargestMotionASensorCanSay_DoesNotOverflow()
    {
        MotionWindow window = new(256);
        for (int i = 0; !window.IsFull; i++) window.Add(i % 2 == 0 ? 4000 : -4000, 4000, -4000);
        int[] features = new int[MotionWindow.FeatureCount];
        window.Read(features);
        Assert.Equal(6928, features[IndexOf("acc_m_mean")]); // 4000 * sqrt(3)
        Assert.Equal(4000, features[IndexOf("acc_x_dev")]);
        Assert.Equal(255, features[IndexOf("acc_x_cross")]);
    }

    [Fact]
    public void Add_WindowIsFull_IsRefused()
    {
        MotionWindow window = new(32);
        while (!window.IsFull) window.Add(0, 0, 981);
        Assert.Throws<InvalidOperationException>(() => window.Add(0, 0, 981));
        window.Clear();
        window.Add(0, 0, 981);
    }

    private static int[] Read(Func<int, int> bounce)
    {
        MotionWindow window = new(100);
        for (int i = 0; !window.IsFull; i++) window.Add(0, 0, 981 + bounce(i));
        int[] features = new int[MotionWindow.FeatureCount];
        window.Read(features);
        return features;
    }

    private static int IndexOf(string name) => MotionWindow.Names.ToList().IndexOf(name);
}
