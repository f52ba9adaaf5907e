using System.Net;
using System.Net.Sockets;

namespace Telemetry.FaultyProxy;

/// <summary>Carries requests to a server and its answers back, each with the fault that is planned for it. To the server each request has a connection of its own.</summary>
/// <remarks>A thread a connection, for the sake of reading: there are few. What goes wrong beyond the faults ends the process, with its words on standard error.</remarks>
internal sealed class Proxy(IPEndPoint from, IPEndPoint to, FaultPlan plan)
{
    private static readonly HttpMessage s_away = HttpMessage.Of("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    private static readonly HttpMessage s_notHttp = HttpMessage.Of("220 mail.example.org ESMTP\r\n", isToTheEnd: true);
    private static readonly HttpMessage s_page = HttpMessage.Of("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\n\r\n<html><h1>Welcome</h1></html>\n");
    private static readonly HttpMessage s_redirect = HttpMessage.Of("HTTP/1.1 302 Found\r\nLocation: /ping\r\nContent-Length: 0\r\n\r\n");

    /// <summary>Listens for as long as the process runs.</summary>
    public void Run()
    {
        using TcpListener listener = new(from);
        listener.Start();
        Console.WriteLine($"ready {listener.LocalEndpoint}");
        while (true)
        {
            TcpClient sender = listener.AcceptTcpClient();
            new Thread(() => Serve(sender)) { IsBackground = true }.Start();
        }
    }

    private void Serve(TcpClient sender)
    {
        using (sender)
        {
            NetworkStream stream = sender.GetStream();
            BufferedStream requests = new(stream);
            try
            {
                while (HttpMessage.ReadRequest(requests) is { } request)
                {
                    if (!Carry(request, plan.Next(request.IsWrite), requests, stream)) return;
                }
            }
            catch (IOException)
            {
                return; // the sender is gone
            }
        }
    }

    /// <summary>Carries one request.</summary>
    /// <returns>False when the sender's connection ends with it.</returns>
    private bool Carry(HttpMessage request, Fault fault, BufferedStream requests, NetworkStream sender)
    {
        // What the server gets.
        if (fault == Fault.RequestCut) SendPart(request);
        if (fault == Fault.RequestTwice) Ask(request);
        HttpMessage? answer = fault switch
        {
            Fault.RequestLost or Fault.RequestCut or Fault.RequestHeld => null,
            Fault.NotHttp => s_notHttp,
            Fault.Page => s_page,
            Fault.Redirect => s_redirect,
            _ => Ask(request),
        };

        // Told when the server has done it, so that whoever reads the line knows.
        if (fault != Fault.None) Console.WriteLine($"{fault} {request.Target}");

        // What the sender gets.
        switch (fault)
        {
            case Fault.RequestHeld:
                AwaitEnd(requests);
                Ask(request);
                return false;
            case Fault.AnswerHeld:
                AwaitEnd(requests);
                return false;
            case Fault.AnswerCut:
                sender.Write(answer!.Bytes[..plan.Cut(answer.Bytes.Length)]);
                return false;
            case Fault.AnswerTwice:
                sender.Write([.. answer!.Bytes, .. answer.Bytes]);
                return true;
            case Fault.RequestLost or Fault.RequestCut or Fault.AnswerLost:
                return false;
            default:
                sender.Write(answer!.Bytes);
                return !answer.IsToTheEnd;
        }
    }

    /// <summary>The server's answer, or that of a proxy whose server is away.</summary>
    private HttpMessage Ask(HttpMessage request)
    {
        try
        {
            using TcpClient server = Connect();
            server.GetStream().Write(request.Bytes);
            return HttpMessage.ReadAnswer(new BufferedStream(server.GetStream()));
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            return s_away;
        }
    }

    private void SendPart(HttpMessage request)
    {
        try
        {
            using TcpClient server = Connect();
            server.GetStream().Write(request.Bytes[..plan.Cut(request.Bytes.Length)]);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            return; // it gets nothing of it
        }
    }

    private TcpClient Connect()
    {
        TcpClient server = new();
        server.Connect(to);
        return server;
    }

    private static void AwaitEnd(BufferedStream requests)
    {
        try
        {
            while (requests.ReadByte() >= 0) continue;
        }
        catch (IOException)
        {
            return; // it ended with a reset
        }
    }
}
