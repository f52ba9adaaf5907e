using System.Net;
using Telemetry.FaultyProxy;

// A proxy between a sender and an HTTP server that misbehaves on purpose, as a process of its own that a test can kill -9.
// It prints "ready ADDRESS", then a line for each fault: "AnswerLost POST /write". It ends with its standard input, so that it never outlives the test that started it.
if (args is not [string listen, string server, string faults]
    || !IPEndPoint.TryParse(listen, out IPEndPoint? from) || !IPEndPoint.TryParse(server, out IPEndPoint? to) || !FaultPlan.TryParse(faults, out FaultPlan? plan))
{
    Console.Error.WriteLine("Three arguments are expected: ADDRESS:PORT to listen on, ADDRESS:PORT of the server, and faults: none, seed:NUMBER or FAULT:NUMBER (that one, for the n-th write).");
    Console.Error.WriteLine($"Faults: {string.Join(", ", Enum.GetNames<Fault>())}.");
    return 2;
}

Thread proxy = new(new Proxy(from, to, plan).Run) { IsBackground = true };
proxy.Start();
Console.In.ReadToEnd();
return 0;
