using Telemetry.Device.Platform;

namespace Telemetry.Device
{
    /// <summary>What a client is made with. Brand, Device, Secret, Host, Profile, Clock, Flash and Transport (or MessagePort) are needed; the rest has defaults.</summary>
    public sealed class TelemetryOptions
    {
        /// <summary>Brand id: 1-32 of a-z, 0-9 and '-'.</summary>
        public string Brand { get; set; } = "";

        /// <summary>Device id: 1-64 of A-Z, a-z, 0-9, '_' and '-'.</summary>
        public string Device { get; set; } = "";

        /// <summary>The device's secret: the MQTT password, as UTF-8.</summary>
        public string Secret { get; set; } = "";

        /// <summary>Name or address of the broker.</summary>
        public string Host { get; set; } = "";

        /// <summary>Port of the broker.</summary>
        public int Port { get; set; } = 1883;

        /// <summary>5 or 4 (= MQTT 3.1.1). With 5, a broker that answers "unsupported version" is asked again with 4.</summary>
        public int ProtocolVersion { get; set; } = 5;

        /// <summary>Seconds between signs of life, 10..65535.</summary>
        public int KeepAliveSeconds { get; set; } = 300;

        /// <summary>The model's signals.</summary>
        public Profile? Profile { get; set; }

        /// <summary>The device's clocks.</summary>
        public IClock? Clock { get; set; }

        /// <summary>Clock of keep-alive, timeouts and reconnects; default <see cref="Clock"/>. A simulator that runs days in seconds over a real network gives a real one.</summary>
        public IClock? LinkClock { get; set; }

        /// <summary>Where sealed batches wait. <see cref="MemoryFlash"/> where there is no storage.</summary>
        public IFlash? Flash { get; set; }

        /// <summary>The way to the broker: bytes, over which the SDK speaks MQTT itself.</summary>
        public ITransport? Transport { get; set; }

        /// <summary>Instead of <see cref="Transport"/>: the MQTT client that the firmware has already. Host, Port, Secret, KeepAliveSeconds and
        /// ProtocolVersion are then that client's affair.</summary>
        public MessagePort? MessagePort { get; set; }

        /// <summary>Battery and memory, for a profile that asks for them; may be null.</summary>
        public IHealth? Health { get; set; }

        /// <summary>Why the device started, for a profile with <c>sdk_boot</c>.</summary>
        public BootReason BootReason { get; set; }

        /// <summary>Sectors of <see cref="Flash"/> kept for events, so that bulk data never evicts them; 0 or at least 3.</summary>
        public int EventSectors { get; set; }

        /// <summary>In the last sector of the spool one row in four is kept of signals with a period of 1 to 15 s, so that older ones give way more slowly. Counted
        /// as <see cref="LossReason.Thinned"/>; counters lose nothing of their sum. False: full rows always. A spool of fewer than 8 sectors is not thinned.</summary>
        public bool ThinsWhenNearlyFull { get; set; } = true;

        /// <summary>Seed of epochs and jitter; must differ between devices and boots (a hardware random number). 0 = derived from ids and clocks.</summary>
        public int Seed { get; set; }

        /// <summary>Samples that wait for the pump; a full ring makes the recording thread pack. A power of two, 8..4096, or 0: the least that holds one sample of
        /// every signal, at most 64.</summary>
        public int RingSamples { get; set; }

        /// <summary>Rows of a block, 1..4096: longer blocks pack tighter and cost more RAM.</summary>
        public int BlockRows { get; set; } = 1800;

        /// <summary>Room for everything that is recorded and not sealed, packed; when it is full a batch is sealed, of about as many bytes. 256..32768, or 0: 72 bytes a
        /// signal with a period, of 8 such signals at least. Never less than the costliest row of the signals needs.</summary>
        public int BatchBytes { get; set; }

        /// <summary>A sample waits at most this long for its batch to be sealed. 300,000 = at most 288 batches a day.</summary>
        public int SealIntervalMs { get; set; } = 300_000;

        /// <summary>The same while the collector is out of reach (three attempts failed): fuller batches, so that a week fits the flash. What a power cut
        /// takes grows with it.</summary>
        public int OfflineSealIntervalMs { get; set; } = 3_600_000;

        /// <summary>Record() calls of one tick may lie this far apart and still share a row, whose time is that of the first; 0..1000. Times given to RecordAt are never moved.</summary>
        public int TickToleranceMs { get; set; } = 20;

        /// <summary>Batches in flight, 1..16; the broker's Receive Maximum may lower it.</summary>
        public int Window { get; set; } = 8;

        /// <summary>The least time between two uploads, however fast the signals are: 300,000 = at most 288 a day. Events and <see cref="TelemetryClient.UploadNow"/>
        /// do not wait; 0 = nothing does. The collector's upload window overrides it.</summary>
        public int UploadIntervalMs { get; set; } = 300_000;

        /// <summary>True: close the connection when everything is acked, and connect again for the next upload. Saves the radio.</summary>
        public bool DisconnectWhenIdle { get; set; }

        /// <summary>Longest Command that is read, 64..4096 bytes, over MQTT 3.1.1 at least 320. The collector sends none that is longer; from others they are skipped and counted.
        /// With a <see cref="MessagePort"/> any Command is read: its client holds it already. Batches go out through the same buffer, in pieces.</summary>
        public int CommandBytes { get; set; } = 320;

        /// <summary>Told of the collector's Commands; may be null.</summary>
        public ICommandHandler? CommandHandler { get; set; }

        /// <summary>The most the crystal drifts, in parts per million: grows the error bound of wall time since the last sync, until the drift is learned.
        /// 0 = it does not, and nothing is learned.</summary>
        public int DriftPpm { get; set; } = 50;
    }
}
