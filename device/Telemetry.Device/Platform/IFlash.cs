namespace Telemetry.Device.Platform
{
    /// <summary>
    /// NOR flash, or a file that behaves like it: erasing sets bytes to 0xFF, programming clears bits, a byte is programmed once between
    /// two erases. One of the two things to port (PORTING.md).
    /// </summary>
    /// <remarks>The SDK calls it from one thread at a time and never programs across a page. No member throws; false = the hardware said no.</remarks>
    public interface IFlash
    {
        /// <summary>Bytes that one <see cref="Program"/> call may touch; its range stays within one page. 16..65536.</summary>
        int PageBytes { get; }

        /// <summary>Bytes that one <see cref="Erase"/> clears: a multiple of 8 and of <see cref="PageBytes"/>, at least 512.</summary>
        int SectorBytes { get; }

        /// <summary>Sectors that belong to the SDK, at least 3.</summary>
        int SectorCount { get; }

        /// <summary>Reads <paramref name="count"/> bytes from <paramref name="address"/>, which counts from the first sector.</summary>
        bool Read(int address, byte[] buffer, int offset, int count);

        /// <summary>Programs <paramref name="count"/> bytes of erased flash.</summary>
        bool Program(int address, byte[] buffer, int offset, int count);

        /// <summary>Erases one sector.</summary>
        bool Erase(int sector);

        /// <summary>Returns when everything programmed and erased before survives a power cut; raw flash has nothing to do.</summary>
        bool Flush();
    }
}
