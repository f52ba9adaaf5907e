// nanoFramework.System.IO.Streams 1.1: CoreLibrary has no streams.
namespace System.IO
{
    public enum SeekOrigin
    {
        Begin = 0,
        Current = 1,
        End = 2,
    }

    public abstract class Stream : IDisposable
    {
        public abstract long Length { get; }
        public virtual void Close() { throw null; }
        public void Dispose() { throw null; }
        public abstract void Flush();
        public abstract int Read(byte[] buffer, int offset, int count);
        public abstract long Seek(long offset, SeekOrigin origin);
        public abstract void Write(byte[] buffer, int offset, int count);
    }
}
