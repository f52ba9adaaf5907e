namespace Telemetry.Device.Platform
{
    /// <summary>Flash in RAM: for devices without storage, for simulators and tests. What it holds is gone with the power.</summary>
    public sealed class MemoryFlash : IFlash
    {
        private readonly byte[] _bytes;
        private readonly int _pageBytes;
        private readonly int _sectorBytes;

        /// <summary>An erased flash of <paramref name="sectorCount"/> sectors.</summary>
        public MemoryFlash(int pageBytes, int sectorBytes, int sectorCount)
        {
            _pageBytes = pageBytes;
            _sectorBytes = sectorBytes;
            _bytes = new byte[sectorBytes * sectorCount];
            for (int i = 0; i < _bytes.Length; i++) _bytes[i] = 0xFF;
        }

        public int PageBytes
        {
            get { return _pageBytes; }
        }

        public int SectorBytes
        {
            get { return _sectorBytes; }
        }

        public int SectorCount
        {
            get { return _bytes.Length / _sectorBytes; }
        }

        /// <summary>The content itself, for tests that cut, flip and compare.</summary>
        public byte[] Content
        {
            get { return _bytes; }
        }

        public bool Read(int address, byte[] buffer, int offset, int count)
        {
            System.Array.Copy(_bytes, address, buffer, offset, count);
            return true;
        }

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            for (int i = 0; i < count; i++) _bytes[address + i] &= buffer[offset + i];
            return true;
        }

        public bool Erase(int sector)
        {
            int start = sector * _sectorBytes;
            for (int i = 0; i < _sectorBytes; i++) _bytes[start + i] = 0xFF;
            return true;
        }

        public bool Flush()
        {
            return true;
        }
    }
}
