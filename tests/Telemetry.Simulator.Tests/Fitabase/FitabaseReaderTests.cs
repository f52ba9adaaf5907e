using System.IO.Compression;
using System.Text;
using Telemetry.Simulator.Fitabase;
using Telemetry.Simulator.Sources;
using Telemetry.Testing;

namespace Telemetry.Simulator.Tests.Fitabase;

public sealed class FitabaseReaderTests : IDisposable
{
    private const string MinuteHeader = "id,local_unix,steps,intensity,hr_mean,hr_min,hr_max,hr_n\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("fitabase-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void People_BothFiles_AreJoinedByTime()
    {
        Write("minute_long.csv.gz", MinuteHeader + "7,60,12,1,,,,\n7,120,0,0,,,,\n9,60,5,1,,,,\n");
        Write("heartrate_5s.csv.gz", "id,local_unix,hr\n7,60.0,80\n7,65.0,82\n7,121.0,84\n");

        FitabasePerson[] people = [.. FitabaseReader.Open(_folder).People()];

        Assert.Equal(["7", "9"], people.Select(person => person.Id));
        Assert.Equal(
            [(60_000L, 1, 80), (60_000, 2, 12), (60_000, 3, 1), (65_000, 1, 82), (120_000, 2, 0), (120_000, 3, 0), (121_000, 1, 84)],
            people[0].Readings.Select(reading => (reading.UnixMs, reading.Signal, reading.Scaled)));
        Assert.Equal(2, people[1].Readings.Count);
    }

    [Fact]
    public void People_HeartRateGap_MarksTheMinuteNotWorn()
    {
        Write("minute_long.csv", MinuteHeader + "7,0,1,0\n7,60,1,0\n7,120,1,0\n7,180,1,0\n".Replace("7,0,", "7,1,"));
        Write("heartrate_5s.csv", "id,local_unix,hr\n7,2,80\n7,130,82\n");

        FitabasePerson person = FitabaseReader.Open(_folder).People().Single();

        // Minute 60 lies between two heart rates and has none; 180 lies behind the last, where nothing is known.
        Assert.Equal(
            [(1_000L, Reading.Worn), (60_000, 0), (120_000, Reading.Worn), (180_000, Reading.Worn)],
            person.Readings.Where(reading => reading.Signal == FitabaseReader.StepsSignal).Select(reading => (reading.UnixMs, (int)reading.Quality)));
    }

    [Fact]
    public void People_BadRows_AreLeftOutCountedAndNamed()
    {
        Write("minute_long.csv.gz", MinuteHeader + "7,60,12,1\nx,120,0,0\n7,120,many,0\n7,60,1,1\n7,180,1,9\n3,240,1,1\n7,240\n7,300,4,2\n");

        FitabaseReader reader = FitabaseReader.Open(_folder);
        FitabasePerson person = reader.People().Single();

        Assert.Equal([12, 4], person.Readings.Where(reading => reading.Signal == FitabaseReader.StepsSignal).Select(reading => reading.Scaled));
        Assert.Equal(6, reader.BadRowCount);
        Assert.Equal(
            [
                "minute_long.csv.gz line 3: id is 'x', expected a whole number",
                "minute_long.csv.gz line 4: steps is 'many', expected a whole number 0-1000",
                "minute_long.csv.gz line 5: time 60 does not follow 60",
                "minute_long.csv.gz line 6: intensity is '9', expected a whole number 0-3",
                "minute_long.csv.gz line 7: id 3 after id 7; the file must be grouped by ascending id",
                "minute_long.csv.gz line 8: 2 columns, expected at least 4",
            ],
            reader.BadRows.Select(row => row.ToString()));
    }

    [Fact]
    public void People_ManyBadRows_ExamplesAreBounded()
    {
        Write("minute_long.csv", MinuteHeader + string.Concat(Enumerable.Repeat("nonsense\n", 1_000)));

        FitabaseReader reader = FitabaseReader.Open(_folder);

        Assert.Empty(reader.People());
        Assert.Equal(1_000, reader.BadRowCount);
        Assert.Equal(FitabaseReader.MaxExamples, reader.BadRows.Count);
    }

    [Fact]
    public void Open_FolderOrFileMissing_SaysWhichIsExpected()
    {
        Assert.Contains("is not a folder", Assert.Throws<InputException>(() => FitabaseReader.Open(Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
        Assert.Contains("minute_long.csv.gz", Assert.Throws<InputException>(() => FitabaseReader.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void People_ColumnMissing_NamesIt()
    {
        Write("minute_long.csv", "id,local_unix,paces\n");

        InputException fault = Assert.Throws<InputException>(() => FitabaseReader.Open(_folder).People().ToList());

        Assert.Contains("line 1: column 'steps' is missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void People_GzipCutShort_SaysAfterWhichLine()
    {
        Write("minute_long.csv.gz", MinuteHeader + string.Concat(Enumerable.Range(1, 20_000).Select(minute => $"7,{minute * 60},{minute % 97},1\n")));
        string path = Path.Combine(_folder, "minute_long.csv.gz");
        byte[] whole = File.ReadAllBytes(path);
        whole.AsSpan(whole.Length / 2, 200).Fill(0xA5);
        File.WriteAllBytes(path, whole);

        InputException fault = Assert.Throws<InputException>(() => FitabaseReader.Open(_folder).People().ToList());

        Assert.Contains("is damaged after line", fault.Message, StringComparison.Ordinal);
    }

    [RealPartFact("data:fitabase")]
    public void RealExport_ReadsEveryRow()
    {
        FitabaseReader reader = FitabaseReader.Open(Path.Combine(RealParts.DataFolder!, "fitabase"));

        (int people, long heartRates, long minutes) = (0, 0, 0);
        foreach (FitabasePerson person in reader.People())
        {
            people++;
            heartRates += person.Readings.Count(reading => reading.Signal == FitabaseReader.HeartRateSignal);
            minutes += person.Readings.Count(reading => reading.Signal == FitabaseReader.StepsSignal);
        }

        // The row counts of the two files, headers left out.
        Assert.Equal((20, 844_486, 786_480), (people, heartRates, minutes));
        Assert.Equal(0, reader.BadRowCount);
    }

    private void Write(string name, string text)
    {
        using Stream file = File.Create(Path.Combine(_folder, name));
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(Encoding.UTF8.GetBytes(text));
    }
}
