namespace Telemetry.FaultyProxy;

/// <summary>What may happen to a request and its answer.</summary>
public enum Fault
{
    /// <summary>Both pass as they are.</summary>
    None,

    /// <summary>The request goes nowhere; the connection is closed.</summary>
    RequestLost,

    /// <summary>The server gets a part of the request and then the end of the connection, and so does the sender.</summary>
    RequestCut,

    /// <summary>The request waits until the sender has given up, and goes to the server then: behind whatever the sender did next.</summary>
    RequestHeld,

    /// <summary>The server gets the request twice, the sender the second answer.</summary>
    RequestTwice,

    /// <summary>The server did it; the connection is closed without a word.</summary>
    AnswerLost,

    /// <summary>The sender gets a part of the answer, then the end of the connection.</summary>
    AnswerCut,

    /// <summary>The server did it; the answer waits until the sender has given up.</summary>
    AnswerHeld,

    /// <summary>The sender gets the answer twice, as if the second were that of its next request.</summary>
    AnswerTwice,

    /// <summary>In place of the server, something that does not speak HTTP.</summary>
    NotHttp,

    /// <summary>In place of the server, a page for people, with status 200.</summary>
    Page,

    /// <summary>In place of the server, a redirect to <c>/ping</c>, where InfluxDB and VictoriaMetrics answer 204 to anybody: followed, it looks like success.</summary>
    Redirect,
}
