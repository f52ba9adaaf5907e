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

namespace System.Net.Sockets
{
    public class NetworkStream : System.IO.Stream
    {
        public virtual bool DataAvailable { get { throw null; } }
        public override long Length { get { throw null; } }
        public override void Flush() { throw null; }
        public override long Seek(long offset, System.IO.SeekOrigin origin) { throw null; }
        public override int Read(byte[] buffer, int offset, int size) { throw null; }
        public override void Write(byte[] buffer, int offset, int size) { throw null; }
    }
}

namespace System.Net.Security
{
    public enum SslProtocols
    {
        Tls12 = 64,
    }

    public class SslStream : System.Net.Sockets.NetworkStream
    {
        public SslStream(System.Net.Sockets.Socket socket) { }
        public override bool DataAvailable { get { throw null; } }
        public void AuthenticateAsClient(string targetHost, System.Security.Cryptography.X509Certificates.X509Certificate clientCertificate, System.Security.Cryptography.X509Certificates.X509Certificate ca, SslProtocols enabledSslProtocols) { throw null; }
        public override int Read(byte[] buffer, int offset, int size) { throw null; }
        public override void Write(byte[] buffer, int offset, int size) { throw null; }
    }
}

namespace System.Security.Cryptography.X509Certificates
{
    public class X509Certificate { }
}
