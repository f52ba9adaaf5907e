using System.Net.Sockets;

namespace Telemetry.Device.Platform
{
    /// <summary>TCP over a non-blocking socket: a pump with thousands of clients never waits in it.</summary>
    public sealed class SocketTransport : ITransport, System.IDisposable
    {
        private Socket? _socket;
        private bool _isConnecting;

        public TransportStatus Connect(string host, int port)
        {
            if (_socket == null) return Begin(host, port);
            if (!_isConnecting) return TransportStatus.Connected;
            try
            {
                if (_socket.Poll(0, SelectMode.SelectError)) return Fail();
                if (!_socket.Poll(0, SelectMode.SelectWrite)) return TransportStatus.Pending;
                if (!_socket.Connected) return Fail();
                _isConnecting = false;
                return TransportStatus.Connected;
            }
            catch (SocketException)
            {
                return Fail();
            }
        }

        public int Send(byte[] buffer, int offset, int count)
        {
            if (_socket == null) return -1;
            int sent = _socket.Send(buffer, offset, count, SocketFlags.None, out SocketError error);
            return error == SocketError.Success ? sent : error == SocketError.WouldBlock ? 0 : -1;
        }

        public int Receive(byte[] buffer, int offset, int count)
        {
            if (_socket == null) return -1;
            int read = _socket.Receive(buffer, offset, count, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) return 0;
            return error == SocketError.Success && read > 0 ? read : -1;
        }

        public void Close()
        {
            Socket? socket = _socket;
            _socket = null;
            _isConnecting = false;
            socket?.Dispose();
        }

        public void Dispose()
        {
            Close();
        }

        private TransportStatus Begin(string host, int port)
        {
            try
            {
                _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true };
                _isConnecting = true;
                _socket.Connect(host, port);
                _isConnecting = false;
                return TransportStatus.Connected;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                return TransportStatus.Pending;
            }
            catch (SocketException)
            {
                return Fail();
            }
        }

        private TransportStatus Fail()
        {
            Close();
            return TransportStatus.Broken;
        }
    }
}
