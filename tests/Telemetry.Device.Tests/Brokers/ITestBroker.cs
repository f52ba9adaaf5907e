namespace Telemetry.Device.Tests.Brokers;

/// <summary>A real broker a test owns: it can be killed and started again on its port, and knows one device.</summary>
internal interface ITestBroker : IAsyncDisposable
{
    int Port { get; }

    string Brand { get; }

    string Device { get; }

    string Secret { get; }

    /// <summary>Profile the device records by.</summary>
    Profile Profile { get; }

    /// <summary>A signal of it that takes 0 and 1.</summary>
    int Signal { get; }

    /// <summary>kill -9.</summary>
    Task KillAsync();

    /// <summary>Starts again over the same folder, on the same port; returns when it listens.</summary>
    Task StartAgainAsync();
}
