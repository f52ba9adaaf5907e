using System.Runtime.InteropServices;

namespace Telemetry.Insights.Cohorts;

/// <summary>Numbers sets of device keys, so that a segment needs 4 bytes for its devices: few sets occur, and each many times.</summary>
/// <remarks>Not thread-safe; numbers only grow.</remarks>
internal sealed class DeviceSets
{
    private readonly Dictionary<Key, int> _numberOf = [];
    private readonly List<uint[]> _sets = [];

    /// <summary>The number of a set.</summary>
    /// <param name="devices">Ascending; kept, not copied.</param>
    public int NumberOf(uint[] devices)
    {
        Key key = new(devices);
        if (_numberOf.TryGetValue(key, out int number)) return number;
        _sets.Add(devices);
        return _numberOf[key] = _sets.Count - 1;
    }

    /// <summary>The sets so far, by number.</summary>
    public uint[][] ToArray() => [.. _sets];

    private readonly struct Key(uint[] devices) : IEquatable<Key>
    {
        private readonly uint[] _devices = devices;

        public bool Equals(Key other) => _devices.AsSpan().SequenceEqual(other._devices);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(_devices.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
