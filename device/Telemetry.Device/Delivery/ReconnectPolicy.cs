using Telemetry.Device.Platform;

namespace Telemetry.Device.Delivery
{
    /// <summary>
    /// When a device may try again. Pure: the same inputs give the same delay. A window drawn uniformly keeps the arrival rate of N devices at
    /// N / window, whenever the broker comes back; so the window must grow with the fleet, and only the server knows it.
    /// </summary>
    internal static class ReconnectPolicy
    {
        /// <summary>The device's own window doubles with every failure from 2 s up to this, for its battery's sake: 40 attempts an hour. Below what a large fleet is
        /// told, so that it is back within what it was told.</summary>
        public const int LongestOwnWindowMs = 180_000;

        /// <summary>Wrong credentials do not mend themselves: one attempt an hour, spread over two.</summary>
        public const int BadCredentialsMs = 3_600_000;

        /// <summary>The longest window that is believed: a day.</summary>
        public const int LongestWindowMs = 86_400_000;

        private const int FirstWindowMs = 2000;

        /// <summary>Milliseconds to wait before the next attempt.</summary>
        /// <param name="failures">Attempts that failed since the last accepted session; any number from 0.</param>
        /// <param name="windowMs">What the server named last; 0 = never.</param>
        /// <param name="slotMs">Exact delay of a refusal for overload; 0 = none.</param>
        /// <param name="isBadCredentials">The broker refused name or secret.</param>
        /// <param name="chance">The device's own.</param>
        public static int NextDelayMs(int failures, int windowMs, int slotMs, bool isBadCredentials, Chance chance)
        {
            if (isBadCredentials) return BadCredentialsMs + chance.Below(BadCredentialsMs);
            if (slotMs > 0) return slotMs < LongestWindowMs ? slotMs : LongestWindowMs;
            if (windowMs > LongestWindowMs) windowMs = LongestWindowMs;

            // A short blip loses the whole fleet within a second: already the first retry is spread, over 0.55 of the window.
            int named = failures == 0 ? windowMs / 20 * 11 : windowMs;
            int own = failures >= 7 ? LongestOwnWindowMs : FirstWindowMs << failures;
            return chance.Below(named > own ? named : own);
        }
    }
}
