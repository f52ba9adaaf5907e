using System.Globalization;
using Telemetry.Simulator.Fit;
using Telemetry.Testing;

namespace Telemetry.Simulator.Tests.Fit;

/// <summary>Files that watches of three makers wrote.</summary>
public class FitRealFileTests
{
    [RealPartFact("data:fit_files")]
    public void FenixRun_EqualsTheExpectedRecords()
    {
        FitActivity activity = FitReader.Read(PathOf("garmin-fenix-5-run.fit"));
        string[][] expected = [.. File.ReadLines(PathOf("garmin-fenix-5-run-records.csv")).Skip(1).Select(line => line.Split(','))];

        Assert.Null(activity.Damage);
        Assert.Equal(expected.Length, activity.Records.Count);
        Assert.NotEmpty(expected);
        foreach ((string[] row, FitRecord record) in expected.Zip(activity.Records))
        {
            Assert.Equal(PacificTime(row[0]), record.UnixMs);
            Assert.Equal(Number(row[1]), record.HeartRate);
            Assert.Equal(Number(row[2]), Math.Truncate(record.Cadence!.Value));
            Assert.Equal(Number(row[3]), record.SpeedMetersPerSecond!.Value, 9);
            Assert.Equal(Number(row[4]), record.DistanceMeters!.Value, 9);
            Assert.Equal((int)Number(row[5]), record.LatitudeSemicircles);
            Assert.Equal((int)Number(row[6]), record.LongitudeSemicircles);
            Assert.Equal(Number(row[7]), record.AltitudeMeters!.Value, 9);
            Assert.Equal(Number(row[8]), record.TemperatureCelsius);
        }
    }

    [RealPartFact("data:fit_files")]
    public void WholeFiles_ReadWithoutDamage()
    {
        foreach (string name in (string[])["2019-02-17-062644-ELEMNT-297E-195-0.fit", "activity-small-fenix2-run.fit", "garmin-edge-500-activity.fit"])
        {
            FitActivity activity = FitReader.Read(PathOf(name));

            Assert.True(activity.Damage is null, $"{name}: {activity.Damage}");
            Assert.True(activity.Records.Count > 1_000, $"{name}: {activity.Records.Count} records");
            Assert.True(activity.Sessions.Count > 0, $"{name}: no session");
        }
    }

    [RealPartFact("data:fit_files")]
    public void UnexpectedEnd_KeepsWhatWasBefore()
    {
        FitActivity activity = FitReader.Read(PathOf("activity-unexpected-eof.fit"));

        Assert.Equal(new FitDamage(768, "the end of the file after 768 bytes", "771 by its header"), activity.Damage);
        Assert.True(activity.MessageCount > 0);
    }

    [RealPartFact("data:fit_files")]
    public void SecondHeaderCorrupt_KeepsTheFirstFile()
    {
        FitActivity activity = FitReader.Read(PathOf("activity-settings-corruptheader.fit"));

        Assert.Equal(new FitDamage(779, "signature 2E474954", "2E464954 (\".FIT\")"), activity.Damage);
        Assert.True(activity.MessageCount > 0);
    }

    private static string PathOf(string name) => Path.Combine(RealParts.DataFolder!, "fit_files", name);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    // The expected rows were printed in Pacific daylight time, UTC-7.
    private static long PacificTime(string text) => DateTimeOffset.ParseExact(
        text.Replace("PDT", "-07:00", StringComparison.Ordinal), "ddd MMM dd HH:mm:ss zzz yyyy", CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
}
