// nanoFramework.System.Net 1.11. Sockets block; Available and Poll say what would not.
namespace System.Net
{
    public abstract class EndPoint { }

    public class IPAddress { }

    public class IPEndPoint : EndPoint
    {
        public IPEndPoint(IPAddress address, int port) { }
    }

    public class IPHostEntry
    {
        public IPAddress[] AddressList { get { throw null; } }
    }

    public static class Dns
    {
        public static IPHostEntry GetHostEntry(string hostNameOrAddress) { throw null; }
    }
}

namespace System.Net.Sockets
{
    public enum AddressFamily
    {
        InterNetwork = 2,
    }

    public enum SocketType
    {
        Stream = 1,
    }

    public enum ProtocolType
    {
        Tcp = 6,
    }

    public enum SocketFlags
    {
        None = 0,
    }

    public enum SelectMode
    {
        SelectRead = 0,
        SelectWrite = 1,
        SelectError = 2,
    }

    public class Socket : IDisposable
    {
        public Socket(AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType) { }
        public int Available { get { throw null; } }
        public int SendTimeout { get { throw null; } set { throw null; } }
        public void Close() { throw null; }
        public void Connect(EndPoint remoteEP) { throw null; }
        public void Dispose() { throw null; }
        public bool Poll(int microSeconds, SelectMode mode) { throw null; }
        public int Receive(byte[] buffer, int offset, int size, SocketFlags socketFlags) { throw null; }
        public int Send(byte[] buffer, int offset, int size, SocketFlags socketFlags) { throw null; }
    }
}
