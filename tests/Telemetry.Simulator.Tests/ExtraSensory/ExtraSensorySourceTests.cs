using System.IO.Compression;
using System.Text;
using Telemetry.Simulator.ExtraSensory;
using Telemetry.Simulator.Sources;
using Telemetry.Testing;

namespace Telemetry.Simulator.Tests.ExtraSensory;

public sealed class ExtraSensorySourceTests
{
    private const string Header = "timestamp,raw_acc:magnitude_stats:std,watch_acceleration:magnitude_stats:std,location:max_speed,"
        + "lf_measurements:light,lf_measurements:screen_brightness,discrete:battery_state:is_charging,label:SITTING\n";

    [Fact]
    public void Devices_PhoneAndWatch_TakeWhatIsThere()
    {
        using TempFolder folder = new();
        Write(folder, "00000000-0000-0000-0000-00000000000a", Header + "60,0.3,300,1.5,20,0.5,1,0\n120,0.01,,-1,,0,0,1\n");

        DeviceSource[] devices = [.. ExtraSensorySource.Open(folder.Path, "extrasensory").Devices()];

        Assert.Equal(["extrasensory/phone-00000000", "extrasensory/watch-00000000"], devices.Select(device => device.Name));
        Assert.Equal(
            [(60_000L, 1, 450), (60_000, 2, 150), (60_000, 3, 20), (60_000, 4, 1), (60_000, 5, 1), (120_000, 1, 15), (120_000, 4, 0), (120_000, 5, 0)],
            devices[0].Readings.Select(reading => (reading.UnixMs, reading.Signal, reading.Scaled)));
        Assert.Equal([(60_000L, 450)], devices[1].Readings.Select(reading => (reading.UnixMs, reading.Scaled)));
    }

    [Fact]
    public void Devices_BadRowsAndDamagedFiles_AreNamedAndLeftOut()
    {
        using TempFolder folder = new();
        Write(folder, "00000000-0000-0000-0000-00000000000a", Header + "60,0.3,,,,,,\n60,0.3,,,,,,\nx,1\n");
        Write(folder, "11111111-0000-0000-0000-00000000000b", "time,other\n1,2\n");
        File.WriteAllText(folder.File("22222222-0000-0000-0000-00000000000c.csv.gz"), "not gzip");

        ExtraSensorySource source = ExtraSensorySource.Open(folder.Path, "extrasensory");

        Assert.Single(source.Devices());
        Assert.Equal(4, source.FaultCount);
        Assert.Contains("line 3: timestamp '60', expected unix seconds after 60", source.Faults[0], StringComparison.Ordinal);
        Assert.Contains("line 4: 2 columns, expected 8", source.Faults[1], StringComparison.Ordinal);
        Assert.Contains("column 'timestamp' is missing", source.Faults[2], StringComparison.Ordinal);
        Assert.Contains("22222222", source.Faults[3], StringComparison.Ordinal);
    }

    [RealPartFact("data:extrasensory")]
    public void RealPeople_ReadWithoutFaults()
    {
        ExtraSensorySource source = ExtraSensorySource.Open(Path.Combine(RealParts.DataFolder!, "extrasensory"), "extrasensory");

        int phones = source.Devices().Count(device => device.Device.StartsWith("phone-", StringComparison.Ordinal));

        Assert.Equal([], source.Faults);
        Assert.Equal(20, phones);
    }

    private static void Write(TempFolder folder, string uuid, string text)
    {
        using GZipStream stream = new(File.Create(folder.File(uuid + ".csv.gz")), CompressionLevel.Fastest);
        stream.Write(Encoding.UTF8.GetBytes(text));
    }
}
