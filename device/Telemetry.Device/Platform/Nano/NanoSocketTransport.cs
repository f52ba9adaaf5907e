using System.Net;
using System.Net.Sockets;

namespace Telemetry.Device.Platform
{
    /// <summary>TCP on the board. Connecting and name resolution block the pump's thread; sending and receiving do not.</summary>
    public sealed class NanoSocketTransport : ITransport
    {
        private const int SendTimeoutMs = 5000;
        private Socket? _socket;

        public TransportStatus Connect(string host, int port)
        {
            if (_socket != null) return TransportStatus.Connected;
            try
            {
                IPAddress[] addresses = Dns.GetHostEntry(host).AddressList;
                if (addresses.Length == 0) return TransportStatus.Broken;
                _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _socket.SendTimeout = SendTimeoutMs;
                _socket.Connect(new IPEndPoint(addresses[0], port));
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
            if (_socket == null) return -1;
            try
            {
                return _socket.Poll(0, SelectMode.SelectWrite) ? _socket.Send(buffer, offset, count, SocketFlags.None) : 0;
            }
            catch (System.Exception)
            {
                return -1;
            }
        }

        public int Receive(byte[] buffer, int offset, int count)
        {
            if (_socket == null) return -1;
            try
            {
                if (!_socket.Poll(0, SelectMode.SelectRead)) return 0;

                // Readable without bytes: the peer has closed.
                if (_socket.Available == 0) return -1;
                return _socket.Receive(buffer, offset, count, SocketFlags.None);
            }
            catch (System.Exception)
            {
                return -1;
            }
        }

        public void Close()
        {
            Socket? socket = _socket;
            _socket = null;
            if (socket == null) return;
            try
            {
                socket.Close();
            }
            catch (System.Exception)
            {
                // The connection is given up either way.
                _socket = null;
            }
        }
    }
}
