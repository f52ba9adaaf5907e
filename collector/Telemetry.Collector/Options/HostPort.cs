using System.Net;

namespace Telemetry.Collector.Options;

/// <summary>Reads <c>HOST:PORT</c> as operators write it: <c>127.0.0.1:1883</c>, <c>[::1]:1883</c>, <c>localhost:0</c>, <c>*:1883</c>, or <c>off</c>.</summary>
public static class HostPort
{
    /// <returns>Null for "off".</returns>
    /// <exception cref="OptionsException">When it is none of these.</exception>
    public static IPEndPoint? Parse(string key, string text)
    {
        if (text == "off") return null;
        int colon = text.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out ushort port))
        {
            string host = text[..colon];
            if (host == "localhost") return new IPEndPoint(IPAddress.Loopback, port);
            if (host == "*") return new IPEndPoint(IPAddress.Any, port);
            if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address)) return new IPEndPoint(address, port);
        }

        throw new OptionsException(key, $"'{text}'", "an address and port such as 127.0.0.1:1883, [::1]:1883, *:1883 (every address), or off");
    }
}
