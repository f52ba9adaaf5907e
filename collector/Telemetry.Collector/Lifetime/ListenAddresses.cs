using System.Net;
using System.Net.Sockets;
using Telemetry.Collector.Options;

namespace Telemetry.Collector.Lifetime;

/// <summary>Looks whether the collector's addresses can be listened on, before anything but the folder's lock is taken: here the option at fault is known, in a server's depths it is not.</summary>
internal static class ListenAddresses
{
    /// <summary>Binds each address and lets it go again. What takes one between here and the listening meets the server's own words.</summary>
    /// <exception cref="IOException">One cannot be listened on; the text names the option, the address, and what to do.</exception>
    public static void Check(CollectorOptions options)
    {
        foreach ((string key, IPEndPoint address) in options.Listeners)
        {
            try
            {
                using Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                if (address.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
                socket.Bind(address);
            }
            catch (SocketException fault)
            {
                throw new IOException($"option '{key}': {address} {Reason(fault)}. Choose another with --{key} HOST:PORT (port 0 takes a free one).", fault);
            }
        }
    }

    private static string Reason(SocketException fault) => fault.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "is in use by another program",
        SocketError.AddressNotAvailable => "is no address of this machine",
        SocketError.AccessDenied => "is not for this user to listen on, as ports below 1024 often are not",
        _ => $"cannot be listened on ({fault.Message})",
    };
}
