using System.Device.Gpio;
using Iot.Device.Bmxx80;
using Iot.Device.Bmxx80.ReadResult;
using Telemetry.Device;

namespace RoomSensor;

/// <summary>Reads the sensors of a room and records what they say: climate every minute, the door when it changes, motion counted.</summary>
/// <remarks>Motion comes as interrupts on a thread of the GPIO library. They only count here; the tick records, so that one thread owns the SDK's ring.</remarks>
internal sealed class RoomSensors : IDisposable
{
    private const int SecondsPerMinute = 60;

    private readonly Bme280 _climate;
    private readonly GpioController _pins;
    private readonly int _motionPin;
    private readonly int _doorPin;
    private int _motions;

    /// <param name="climate">Stays the caller's to dispose.</param>
    /// <param name="pins">Likewise.</param>
    /// <param name="motionPin">OUT of the HC-SR501: high for as long as it sees motion.</param>
    /// <param name="doorPin">Reed contact to ground: low = closed.</param>
    public RoomSensors(Bme280 climate, GpioController pins, int motionPin, int doorPin)
    {
        (_climate, _pins, _motionPin, _doorPin) = (climate, pins, motionPin, doorPin);
        _pins.OpenPin(motionPin, PinMode.Input);
        _pins.OpenPin(doorPin, PinMode.InputPullUp);
        _pins.RegisterCallbackForPinValueChangedEvent(motionPin, PinEventTypes.Rising, OnMotion);
    }

    /// <summary>One second.</summary>
    public void Record(TelemetryClient client, int second)
    {
        client.Record(Signals.Door, _pins.Read(_doorPin) == PinValue.High ? 1 : 0);
        if (second % SecondsPerMinute != 0) return;

        long now = client.UptimeMs; // one time for the row, however long the bus takes
        Bme280ReadResult read = _climate.Read();
        if (read.Temperature is { } temperature) client.RecordAt(Signals.Temperature, temperature.DegreesCelsius, now);
        if (read.Humidity is { } humidity) client.RecordAt(Signals.Humidity, humidity.Percent, now);
        client.RecordAt(Signals.RoomMotion, Interlocked.Exchange(ref _motions, 0), now);
    }

    public void Dispose()
    {
        _pins.UnregisterCallbackForPinValueChangedEvent(_motionPin, OnMotion);
        _pins.ClosePin(_motionPin);
        _pins.ClosePin(_doorPin);
    }

    private void OnMotion(object sender, PinValueChangedEventArgs change) => Interlocked.Increment(ref _motions);
}
