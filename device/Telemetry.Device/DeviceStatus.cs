namespace Telemetry.Device
{
    /// <summary>Answers of the SDK. Numbers never change; 0 is good.</summary>
    public enum DeviceStatus
    {
        /// <summary>Done.</summary>
        Ok = 0,

        /// <summary>The profile has no signal with this id. Nothing was recorded.</summary>
        UnknownSignal = 1,

        /// <summary>An uptime that is negative, or beyond 2^48 ms. Nothing was recorded.</summary>
        BadTime = 2,

        /// <summary>The client was closed. Nothing was recorded.</summary>
        Closed = 3,

        /// <summary>Flash refused to read, program or erase.</summary>
        FlashFailed = 4,

        /// <summary>More bytes than a limit allows.</summary>
        TooLarge = 5,
    }
}
