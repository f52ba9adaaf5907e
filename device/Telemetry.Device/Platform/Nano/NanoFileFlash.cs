using System.IO;

namespace Telemetry.Device.Platform
{
    /// <summary>Flash in a file of the board's file system (<c>I:\spool.bin</c>). Where the chip has a raw partition, port <see cref="IFlash"/> to it instead:
    /// the file system wears its own blocks and opens the file for every access.</summary>
    public sealed class NanoFileFlash : IFlash
    {
        private const int Page = 256;
        private const int Sector = 4096;
        private readonly FileStream _file;
        private readonly int _sectorCount;
        private readonly byte[] _erased;

        /// <summary>Opens the file, or creates it erased.</summary>
        public NanoFileFlash(string path, int sectorCount)
        {
            _sectorCount = sectorCount;
            _erased = new byte[Page];
            for (int i = 0; i < Page; i++) _erased[i] = 0xFF;
            _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            for (int sector = (int)(_file.Length / Sector); sector < sectorCount; sector++) Erase(sector);
        }

        public int PageBytes
        {
            get { return Page; }
        }

        public int SectorBytes
        {
            get { return Sector; }
        }

        public int SectorCount
        {
            get { return _sectorCount; }
        }

        public bool Read(int address, byte[] buffer, int offset, int count)
        {
            try
            {
                _file.Seek(address, SeekOrigin.Begin);
                return _file.Read(buffer, offset, count) == count;
            }
            catch (System.Exception)
            {
                return false;
            }
        }

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            try
            {
                _file.Seek(address, SeekOrigin.Begin);
                _file.Write(buffer, offset, count);
                return true;
            }
            catch (System.Exception)
            {
                return false;
            }
        }

        public bool Erase(int sector)
        {
            for (int at = 0; at < Sector; at += Page)
            {
                if (!Program((sector * Sector) + at, _erased, 0, Page)) return false;
            }

            return true;
        }

        public bool Flush()
        {
            try
            {
                _file.Flush();
                return true;
            }
            catch (System.Exception)
            {
                return false;
            }
        }
    }
}
