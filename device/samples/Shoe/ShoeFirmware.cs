using Telemetry.Device;

namespace Shoe
{
    /// <summary>A shoe's loop: strikes, cadence and ground contact every second while it moves, the forefoot's share of pressure every ten.</summary>
    /// <remarks>The same source on .NET and on the chip. The strike detector is made up; a real one calls <see cref="OnStrike"/> from its interrupt's thread.</remarks>
    internal sealed class ShoeFirmware
    {
        private const int Run = 1;
        private readonly TelemetryClient _client;
        private int _second;
        private int _strikes;
        private int _contactMs;

        public ShoeFirmware(TelemetryClient client)
        {
            _client = client;
        }

        /// <summary>A foot came down and left again.</summary>
        public void OnStrike(int contactMs)
        {
            _strikes++;
            _contactMs += contactMs;
        }

        /// <summary>One second.</summary>
        public void Tick()
        {
            if (_second == 0) _client.StartSession(Run);
            OnStrike(240 + (_second % 7));
            if (_second % 3 != 0) OnStrike(250);

            // One reading of the clock for the signals of one tick: they share a row.
            long now = _client.UptimeMs;
            _client.RecordAt(Signals.FootStrikes, _strikes, now);
            _client.RecordAt(Signals.Cadence, _strikes * 120, now); // one shoe sees every other step
            _client.RecordAt(Signals.GroundContact, _strikes == 0 ? 0 : _contactMs / _strikes, now);
            if (_second % 10 == 0) _client.RecordAt(Signals.PressureRatio, 1.1 + (_second * 0.01), now);
            _strikes = 0;
            _contactMs = 0;
            _second++;
        }
    }
}
