using Telemetry.Device;

namespace Wristband
{
    /// <summary>A wristband's loop: heart rate and steps every second, a button, a workout that lasts until the button is pressed again.</summary>
    /// <remarks>The same source on .NET and on the chip. The sensor is made up; a real one takes the place of <see cref="ReadHeartRate"/> and <see cref="ReadSteps"/>.</remarks>
    internal sealed class WristbandFirmware
    {
        private const int Workout = 1;
        private readonly TelemetryClient _client;
        private int _second;

        public WristbandFirmware(TelemetryClient client)
        {
            _client = client;
        }

        /// <summary>One second.</summary>
        public void Tick()
        {
            _client.Quality = 1; // worn
            _client.Record(Signals.HeartRate, ReadHeartRate());
            _client.Record(Signals.Steps, ReadSteps());
            _client.Record(Signals.Charging, 0); // on change: only the first is kept
            if (_second == 3) OnButton();
            _second++;
        }

        private void OnButton()
        {
            _client.Record(Signals.Button, 1);
            if (_client.Session == 0) _client.StartSession(Workout);
            else _client.StopSession();
        }

        private int ReadHeartRate()
        {
            return 64 + (_second % 9);
        }

        private int ReadSteps()
        {
            return _second % 3;
        }
    }
}
