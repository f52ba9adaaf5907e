using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Tests.Datasets;

public sealed class ReaderTests
{
    [Fact]
    public void ExtraSensory_LabelsOfAMinute_MapToTheLastScenarioThatFits()
    {
        const string Text = """
            timestamp,raw_acc:magnitude_stats:mean,location:max_speed,lf_measurements:pressure,label:LOC_home,label:SITTING,label:FIX_walking,label:SLEEPING,label_source
            1444079160,0.99,-1,1013,1,1,,0,2
            1444079220,0.98,2.5,1013,1,1,1,0,2
            1444079280,,3,1013,1,1,1,1,2
            1444079340,0.97,1,1013,0,,,0,2

            """;
        LabelledPerson person = ExtraSensoryReader.ReadPerson(new StringReader(Text), "p", out string[] names);
        Assert.Equal(["raw_acc:magnitude_stats:mean", "location:max_speed", "hour_of_day", "weekend"], names);
        Assert.Equal([0, 2, 6, -1], person.Labels);
        Assert.True(float.IsNaN(person.Vectors[0][1])); // a speed of -1 is not known
        Assert.True(float.IsNaN(person.Vectors[2][0]));
        Assert.Equal(14.1f, person.Vectors[0][2], 2); // 21:06 UTC in October is 14:06 in California
        Assert.Equal(0, person.Vectors[0][3]);
    }

    // Columns: phone in g, watch in mg, walks, sleeps.
    [Theory]
    [InlineData("0.002,17,1,0", true)] // a walk on a table
    [InlineData("0.002,,1,0", true)]
    [InlineData(",17,1,0", true)]
    [InlineData("0.002,140,1,0", false)] // the phone was left behind
    [InlineData("0.12,,1,0", false)]
    [InlineData(",,1,0", false)]
    [InlineData("0.12,17,0,1", true)] // a sleeper who walks about
    [InlineData("0.002,200,0,1", true)]
    [InlineData("0.05,100,0,1", false)] // one who turns over
    [InlineData(",,0,1", false)]
    [InlineData("0.12,140,0,0", false)] // no label, nothing to doubt
    public void ExtraSensory_MotionAgainstTheLabel_IsDoubted(string cells, bool isDoubted)
    {
        string text = $"timestamp,raw_acc:magnitude_stats:std,watch_acceleration:magnitude_stats:std,label:FIX_walking,label:SLEEPING\n1444079160,{cells}\n";
        LabelledPerson person = ExtraSensoryReader.ReadPerson(new StringReader(text), "p", out _);
        Assert.Equal([isDoubted], person.Doubted!);
    }

    [Fact]
    public void Home_SensorsAndActivities_BecomeMinutesOfDays()
    {
        HomeReader.Stay[] sensors = [new(86_400, 86_430, "door"), new(86_700, 90_000, "bed")];
        HomeReader.Stay[] activities = [new(86_700, 90_000, "sleep"), new(87_000, 87_090, "toilet")];
        LabelledSet set = HomeReader.Days("home", sensors, activities);

        LabelledPerson day = Assert.Single(set.People);
        Assert.Equal(1440, day.Minutes[0]);
        Assert.Equal(-1, day.Labels[0]);
        Assert.Equal("sleep", set.Scenarios[day.Labels[6]]);
        Assert.Equal("toilet", set.Scenarios[day.Labels[10]]); // the shorter of two at once
        int bedOn = set.BaseNames.ToList().IndexOf("bed:on");
        Assert.Equal(0, day.Vectors[0][bedOn]);
        Assert.Equal(1, day.Vectors[6][bedOn]);
    }

    [Fact]
    public void Occupancy_TwoDays_AreTwoToLeaveOut()
    {
        const string Text = """
            "date","Temperature","Humidity","Light","CO2","HumidityRatio","Occupancy"
            "1","2015-02-04 23:59:00",23.18,27.272,426,721.25,0.0047,1
            "2","2015-02-05 00:00:00",23.15,27.2675,0,714,0.0047,0

            """;
        LabelledPerson[] days = [.. OccupancyReader.ReadDays(new StringReader(Text), "file")];
        Assert.Equal([1, 0], days.Select(day => day.Labels[0]));
        Assert.Equal(426, days[0].Vectors[0][2]);
    }

    [Fact]
    public void Wisdm_ClockThatSteppedBack_BeginsANewStretch()
    {
        List<string> lines = ["user,activity,t_ms,x,y,z"];
        for (int i = 0; i < 200; i++) lines.Add($"1,Walking,{5000 + (50 * i)},0.5,9.8,0.1");
        for (int i = 0; i < 150; i++) lines.Add($"1,Walking,{1000 + (50 * i)},0.5,9.8,0.1");
        LabelledPerson person = Assert.Single(WisdmReader.Read(new StringReader(string.Join('\n', lines))).People);
        Assert.Equal(3, person.Minutes.Length); // 200 samples are two windows, 150 are one
        Assert.True(person.Minutes[2] - person.Minutes[1] > 120);
    }
}
