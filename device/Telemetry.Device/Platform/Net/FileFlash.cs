using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Telemetry.Device.Platform
{
    /// <summary>Flash in a file, for Linux-class devices: preallocated, written in place, flushed to the disk on <see cref="Flush"/>.</summary>
    public sealed class FileFlash : IFlash, System.IDisposable
    {
        private readonly SafeFileHandle _file;
        private readonly int _pageBytes;
        private readonly int _sectorBytes;
        private readonly int _sectorCount;
        private readonly byte[] _erased;

        /// <summary>Opens the file, or creates it erased.</summary>
        /// <param name="path">The file; its folder exists.</param>
        /// <param name="sectorCount">Sectors of 4 KiB, at least 3.</param>
        /// <exception cref="System.IO.IOException">The file cannot be opened, or another client has it.</exception>
        public FileFlash(string path, int sectorCount)
            : this(path, 4096, 4096, sectorCount)
        {
        }

        /// <summary>Opens the file with a geometry of one's own.</summary>
        public FileFlash(string path, int pageBytes, int sectorBytes, int sectorCount)
        {
            _pageBytes = pageBytes;
            _sectorBytes = sectorBytes;
            _sectorCount = sectorCount;
            _erased = new byte[sectorBytes];
            System.Array.Fill(_erased, (byte)0xFF);
            _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            long length = RandomAccess.GetLength(_file);
            for (int sector = (int)(length / sectorBytes); sector < sectorCount; sector++) Erase(sector);
            Flush();
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
            get { return _sectorCount; }
        }

        public bool Read(int address, byte[] buffer, int offset, int count)
        {
            try
            {
                while (count > 0)
                {
                    int read = RandomAccess.Read(_file, new System.Span<byte>(buffer, offset, count), address);
                    if (read <= 0) return false;
                    address += read;
                    offset += read;
                    count -= read;
                }

                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            return Write(address, buffer, offset, count);
        }

        public bool Erase(int sector)
        {
            return Write(sector * _sectorBytes, _erased, 0, _sectorBytes);
        }

        public bool Flush()
        {
            try
            {
                RandomAccess.FlushToDisk(_file);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }

        public void Dispose()
        {
            _file.Dispose();
        }

        private bool Write(int address, byte[] buffer, int offset, int count)
        {
            try
            {
                RandomAccess.Write(_file, new System.ReadOnlySpan<byte>(buffer, offset, count), address);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }
    }
}
