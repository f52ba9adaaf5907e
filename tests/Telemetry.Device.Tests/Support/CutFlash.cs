using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Support;

/// <summary>Flash that dies at a write: every second number leaves half of it.</summary>
internal sealed class CutFlash(int pageBytes, int sectorBytes, int sectors) : IFlash
{
    private readonly MemoryFlash _flash = new(pageBytes, sectorBytes, sectors);
    private int _writesLeft = int.MaxValue;

    public int PageBytes => _flash.PageBytes;

    public int SectorBytes => _flash.SectorBytes;

    public int SectorCount => _flash.SectorCount;

    /// <summary>The same content, with power for so many halves of a write.</summary>
    public CutFlash Copy(int writes)
    {
        CutFlash copy = new(PageBytes, SectorBytes, SectorCount) { _writesLeft = writes };
        _flash.Content.CopyTo(copy._flash.Content, 0);
        return copy;
    }

    /// <summary>Of the content.</summary>
    public string Hash() => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(_flash.Content));

    /// <summary>The power is back.</summary>
    public void PowerUp() => _writesLeft = int.MaxValue;

    public bool Read(int address, byte[] buffer, int offset, int count) => _flash.Read(address, buffer, offset, count);

    public bool Program(int address, byte[] buffer, int offset, int count)
    {
        _writesLeft -= 2;
        if (_writesLeft >= 0) return _flash.Program(address, buffer, offset, count);
        if (_writesLeft == -1) _flash.Program(address, buffer, offset, count / 2);
        return Die();
    }

    public bool Erase(int sector)
    {
        _writesLeft -= 2;
        return _writesLeft >= 0 ? _flash.Erase(sector) : Die();
    }

    public bool Flush() => _writesLeft >= 0 || Die();

    private bool Die()
    {
        _writesLeft = -2;
        return false;
    }
}
