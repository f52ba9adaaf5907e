namespace Telemetry.Device
{
    /// <summary>
    /// What the SDK knows of itself. A profile asks for one by a signal whose key is <c>sdk_</c> and the name in small letters (proto/WIRE.md,
    /// "Signals of the SDK"); its samples then travel as any other's. Numbers never change.
    /// </summary>
    public enum SdkMetric : byte
    {
        /// <summary>A signal the firmware records.</summary>
        None = 0,

        /// <summary><c>sdk_queue</c>: sealed batches that wait for their ack.</summary>
        Queue = 1,

        /// <summary><c>sdk_spool_free</c>: bytes before the oldest batch must give way.</summary>
        SpoolFree = 2,

        /// <summary><c>sdk_dropped</c>, a counter: samples dropped, for any reason.</summary>
        Dropped = 3,

        /// <summary><c>sdk_connects</c>, a counter: sessions the broker accepted.</summary>
        Connects = 4,

        /// <summary><c>sdk_failed_connects</c>, a counter: attempts that failed or were refused.</summary>
        FailedConnects = 5,

        /// <summary><c>sdk_sent_bytes</c>, a counter: bytes handed to the transport.</summary>
        SentBytes = 6,

        /// <summary><c>sdk_free_memory</c>: bytes, of <see cref="Platform.IHealth"/>.</summary>
        FreeMemory = 7,

        /// <summary><c>sdk_battery</c>: percent, of <see cref="Platform.IHealth"/>.</summary>
        Battery = 8,

        /// <summary><c>sdk_session</c>, a state: what <see cref="TelemetryClient.StartSession"/> was given, 0 = none.</summary>
        Session = 9,

        /// <summary><c>sdk_boot</c>: the <see cref="BootReason"/>, once a boot.</summary>
        Boot = 10,

        /// <summary>From here on, by <see cref="LossReason"/>: counters of the samples dropped for it.</summary>
        DroppedRingFull = 17,
        DroppedSpoolEvicted = 18,
        DroppedSpoolDamaged = 19,
        DroppedThinned = 20,
        DroppedOutOfRange = 21,
        DroppedRateLimited = 22,
        DroppedTooLarge = 23,
        DroppedConsent = 24,
        DroppedErased = 25,
    }
}
