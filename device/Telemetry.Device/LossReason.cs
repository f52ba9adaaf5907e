namespace Telemetry.Device
{
    /// <summary>Why a recorded sample will not arrive; the numbers are those of telemetry.v1.LossReason and only grow.</summary>
    public enum LossReason : byte
    {
        /// <summary>Recorded faster than packed.</summary>
        RingFull = 1,

        /// <summary>The oldest batches gave way to newer ones.</summary>
        SpoolEvicted = 2,

        /// <summary>A stored batch failed its check.</summary>
        SpoolDamaged = 3,

        /// <summary>Left out because the spool was full, so that older samples give way more slowly.</summary>
        Thinned = 4,

        /// <summary>The value cannot be a value of this signal.</summary>
        OutOfRange = 5,

        /// <summary>Faster than the signal's policy allows.</summary>
        RateLimited = 6,

        /// <summary>The collector's limit refused the batch.</summary>
        TooLarge = 7,

        /// <summary>Capture stopped at the source by the user.</summary>
        Consent = 8,

        /// <summary>Dropped behind an erasure fence.</summary>
        Erased = 9,
    }
}
