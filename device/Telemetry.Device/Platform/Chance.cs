namespace Telemetry.Device.Platform
{
    /// <summary>Seeded chance for epochs and jitter (xorshift, 32 bits). Not for secrets.</summary>
    public sealed class Chance
    {
        private uint _state;

        /// <summary>A sequence that <paramref name="seed"/> fixes.</summary>
        public Chance(int seed)
        {
            // Spread the seed's bits: neighbouring seeds must not begin alike. 0 is the one state xorshift cannot leave.
            uint state = ((uint)seed * 2654435761u) ^ 0x9E3779B9u;
            state = (state ^ (state >> 15)) * 2246822519u;
            state ^= state >> 13;
            _state = state == 0 ? 1u : state;
        }

        /// <summary>The next 32 bits, never 0.</summary>
        public uint Next()
        {
            uint x = _state;
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            _state = x;
            return x;
        }

        /// <summary>A number in [0, <paramref name="bound"/>); 0 for a bound of 0.</summary>
        public int Below(int bound)
        {
            return bound <= 0 ? 0 : (int)(((ulong)Next() * (uint)bound) >> 32);
        }
    }
}
