using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Telemetry.Device.Platform
{
    /// <summary>TLS 1.2 on the board. Connecting blocks the pump's thread for the handshake, one to three seconds on a small chip; receiving does not block.</summary>
    public sealed class NanoTlsTransport : ITransport
    {
        private const int SendTimeoutMs = 5000;
        private readonly X509Certificate _authority;
        private Socket? _socket;
        private SslStream? _stream;

        /// <summary>Trusts one authority.</summary>
        /// <param name="authority">The root the broker's certificate must come from.</param>
        public NanoTlsTransport(X509Certificate authority)
        {
            _authority = authority;
        }

        public TransportStatus Connect(string host, int port)
        {
            if (_stream != null) return TransportStatus.Connected;
            try
            {
                IPAddress[] addresses = Dns.GetHostEntry(host).AddressList;
                if (addresses.Length == 0) return TransportStatus.Broken;
                _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _socket.SendTimeout = SendTimeoutMs;
                _socket.Connect(new IPEndPoint(addresses[0], port));
                SslStream stream = new SslStream(_socket);
                stream.AuthenticateAsClient(host, null, _authority, SslProtocols.Tls12);
                _stream = stream;
                return TransportStatus.Connected;
            }
            catch (System.Exception)
            {
                Close();
                return TransportStatus.Broken;
            }
        }

        public int Send(byte[] buffer, int offset, int count)
        {
            if (_stream == null) return -1;
            try
            {
                _stream.Write(buffer, offset, count);
                return count;
            }
            catch (System.Exception)
            {
                return -1;
            }
        }

        public int Receive(byte[] buffer, int offset, int count)
        {
            if (_stream == null) return -1;
            try
            {
                if (!_stream.DataAvailable) return 0;
                int read = _stream.Read(buffer, offset, count);
                return read > 0 ? read : -1;
            }
            catch (System.Exception)
            {
                return -1;
            }
        }

        public void Close()
        {
            SslStream? stream = _stream;
            Socket? socket = _socket;
            _stream = null;
            _socket = null;
            try
            {
                if (stream != null) stream.Dispose(); // closes the socket, too
                else if (socket != null) socket.Close();
            }
            catch (System.Exception)
            {
                // The connection is given up either way.
                _socket = null;
            }
        }
    }
}
