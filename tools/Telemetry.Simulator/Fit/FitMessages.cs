namespace Telemetry.Simulator.Fit;

/// <summary>Turns the fields of the data messages we use into typed rows (field numbers and scales: FIT profile).</summary>
internal static class FitMessages
{
    // Seconds from 1970-01-01 to 1989-12-31T00:00:00Z, the FIT epoch.
    private const long FitEpochUnixSeconds = 631_065_600;

    // Below this a timestamp counts seconds since the device was switched on, not since the FIT epoch.
    private const long LeastAbsoluteTimestamp = 0x10000000;

    private const int Timestamp = 253;

    public static void AddTo(FitActivity activity, int messageNumber, FitFields fields)
    {
        if (messageNumber == 0)
        {
            activity.FileId ??= new FitFileId(
                (int?)fields.Integer(0), (int?)fields.Integer(1), (int?)fields.Integer(2), fields.Integer(3), Time(fields, 4));
            return;
        }

        if (messageNumber is not (18 or 19 or 20 or 21 or 23)) return;
        if (Time(fields, Timestamp) is not long unixMs)
        {
            activity.UntimedCount++;
            return;
        }

        switch (messageNumber)
        {
            case 18: activity.Sessions.Add(Span(unixMs, fields, sportField: 5)); break;
            case 19: activity.Laps.Add(Span(unixMs, fields, sportField: 25)); break;
            case 20: activity.Records.Add(Record(unixMs, fields)); break;
            case 21: activity.Events.Add(new FitEvent(unixMs, (int?)fields.Integer(0), (int?)fields.Integer(1))); break;
            default:
                activity.Devices.Add(new FitDeviceInfo(
                    unixMs, (int?)fields.Integer(0), (int?)fields.Integer(2), (int?)fields.Integer(4), fields.Integer(3)));
                break;
        }
    }

    private static FitRecord Record(long unixMs, FitFields fields) => new(
        unixMs,
        HeartRate: fields.Number(3),
        Cadence: fields.Number(4) + (fields.Scaled(53, 128) ?? 0),
        SpeedMetersPerSecond: fields.Scaled(73, 1000) ?? fields.Scaled(6, 1000),
        DistanceMeters: fields.Scaled(5, 100),
        AltitudeMeters: fields.Scaled(78, 5, 500) ?? fields.Scaled(2, 5, 500),
        TemperatureCelsius: fields.Number(13),
        PowerWatts: fields.Number(7),
        LatitudeSemicircles: (int?)fields.Integer(0),
        LongitudeSemicircles: (int?)fields.Integer(1));

    private static FitSpan Span(long unixMs, FitFields fields, int sportField) => new(
        unixMs, Time(fields, 2), fields.Scaled(7, 1000), fields.Scaled(9, 100), (int?)fields.Integer(sportField));

    private static long? Time(FitFields fields, int number) =>
        fields.Integer(number) is long seconds and >= LeastAbsoluteTimestamp ? (seconds + FitEpochUnixSeconds) * 1000 : null;
}
