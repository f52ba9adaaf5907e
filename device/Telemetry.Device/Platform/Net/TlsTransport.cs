using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;

namespace Telemetry.Device.Platform
{
    /// <summary>TLS 1.2 or 1.3 over TCP. The pump never waits in it: what the runtime has not finished is asked for again at the next turn.</summary>
    /// <remarks>Allocates where the runtime's TLS does. Each direction holds one buffer of its own while an operation runs.</remarks>
    public sealed class TlsTransport : ITransport, System.IDisposable
    {
        private const int BufferBytes = 1024;

        private readonly X509Certificate2Collection? _authorities;
        private readonly X509CertificateCollection? _clientCertificates;
        private readonly byte[] _arrived = new byte[BufferBytes];
        private readonly byte[] _leaving = new byte[BufferBytes];
        private Socket? _socket;
        private SslStream? _stream;
        private Task? _handshake;
        private Task<int>? _reading;
        private Task? _writing;
        private int _at;
        private int _end;

        /// <summary>Trusts the authorities of the machine.</summary>
        public TlsTransport()
            : this(null, null)
        {
        }

        /// <summary>Trusts only <paramref name="authorities"/>, which a device carries for its own collector.</summary>
        /// <param name="authorities">Roots the broker's certificate must come from; null = those of the machine.</param>
        /// <param name="clientCertificate">Shown to the broker; null = none.</param>
        public TlsTransport(X509Certificate2Collection? authorities, X509Certificate2? clientCertificate)
        {
            _authorities = authorities;
            if (clientCertificate != null) _clientCertificates = new X509CertificateCollection { clientCertificate };
        }

        /// <summary>Why the last attempt to connect failed, or null.</summary>
        public System.Exception? LastFault { get; private set; }

        public TransportStatus Connect(string host, int port)
        {
            if (_handshake == null)
            {
                _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                _handshake = OpenAsync(_socket, host, port);
            }

            if (!_handshake.IsCompleted) return TransportStatus.Pending;
            if (_handshake.IsCompletedSuccessfully) return TransportStatus.Connected;
            LastFault = _handshake.Exception?.InnerException;
            Close();
            return TransportStatus.Broken;
        }

        public int Send(byte[] buffer, int offset, int count)
        {
            if (_stream == null) return -1;
            if (_writing != null)
            {
                if (!_writing.IsCompleted) return 0;
                if (!_writing.IsCompletedSuccessfully) return -1;
            }

            // The runtime may still read the bytes after this returns, so they are copied.
            int taken = count < BufferBytes ? count : BufferBytes;
            System.Array.Copy(buffer, offset, _leaving, 0, taken);
            _writing = _stream.WriteAsync(_leaving, 0, taken);
            return taken;
        }

        public int Receive(byte[] buffer, int offset, int count)
        {
            if (_stream == null) return -1;
            if (_at == _end)
            {
                _reading ??= _stream.ReadAsync(_arrived, 0, BufferBytes);
                if (!_reading.IsCompleted) return 0;
                if (!_reading.IsCompletedSuccessfully) return -1;
                int read = _reading.GetAwaiter().GetResult();
                if (read <= 0) return -1;
                _reading = null;
                _at = 0;
                _end = read;
            }

            int given = _end - _at < count ? _end - _at : count;
            System.Array.Copy(_arrived, _at, buffer, offset, given);
            _at += given;
            return given;
        }

        public void Close()
        {
            // Closing the socket ends whatever runs; what it ends with is nobody's any more.
            _socket?.Dispose();
            _stream?.Dispose();
            _socket = null;
            _stream = null;
            _handshake = null;
            _reading = null;
            _writing = null;
            _at = 0;
            _end = 0;
        }

        public void Dispose()
        {
            Close();
        }

        private async Task OpenAsync(Socket socket, string host, int port)
        {
            await socket.ConnectAsync(host, port).ConfigureAwait(false);
            SslStream stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            SslClientAuthenticationOptions options = new SslClientAuthenticationOptions { TargetHost = host, ClientCertificates = _clientCertificates };
            if (_authorities != null)
            {
                options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                options.CertificateChainPolicy.CustomTrustStore.AddRange(_authorities);
            }

            await stream.AuthenticateAsClientAsync(options).ConfigureAwait(false);
            _stream = stream;
        }
    }
}
