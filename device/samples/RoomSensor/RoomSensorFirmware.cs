using Telemetry.Device;

namespace RoomSensor
{
    /// <summary>A room sensor's loop: climate every minute, light and door when they change, motion counted.</summary>
    /// <remarks>The same source on .NET and on the chip. What changes is left to the profile: the loop records light and door every second, and
    /// the deadband keeps what is new.</remarks>
    internal sealed class RoomSensorFirmware
    {
        private const int SecondsPerMinute = 60;
        private readonly TelemetryClient _client;
        private int _second;
        private int _motions;

        public RoomSensorFirmware(TelemetryClient client)
        {
            _client = client;
        }

        /// <summary>One second.</summary>
        public void Tick()
        {
            if (_second % 5 == 4) _motions++;
            _client.Record(Signals.Light, 180 + (_second % 11));
            _client.Record(Signals.Door, _second < 6 ? 0 : 1);
            if (_second % SecondsPerMinute == 0)
            {
                long now = _client.UptimeMs;
                _client.RecordAt(Signals.Temperature, 21.4, now); // in the unit: the client divides by the resolution
                _client.RecordAt(Signals.Humidity, 44.5, now);
                _client.RecordAt(Signals.Co2, 640, now);
                _client.RecordAt(Signals.RoomMotion, _motions, now);
                _motions = 0;
            }

            _second++;
        }
    }
}
