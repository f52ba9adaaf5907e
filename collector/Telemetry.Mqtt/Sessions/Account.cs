using System.Text;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Sessions;

/// <summary>Who a connection belongs to, and with that which topics it may use.</summary>
internal sealed class Account
{
    private Account(long scope, IngestSession? device, bool isOperator)
    {
        Scope = scope;
        Device = device;
        IsOperator = isOperator;
        TopicPrefix = device is null ? [] : Encoding.UTF8.GetBytes($"t1/{device.Brand}/{device.Device}/");
    }

    /// <summary>Client identifiers live within it: nobody takes over a session of another account. The device's key; operators and guests are below.</summary>
    public long Scope { get; }

    /// <summary>The authenticated device, or null.</summary>
    public IngestSession? Device { get; }

    /// <summary>May watch live traffic.</summary>
    public bool IsOperator { get; }

    /// <summary><c>t1/{brand}/{device}/</c> of the device, empty for others.</summary>
    public byte[] TopicPrefix { get; }

    public static Account Of(IngestSession device) => new(device.DeviceKey, device, isOperator: false);

    public static Account Operator() => new(-1, device: null, isOperator: true);

    public static Account LabGuest() => new(-2, device: null, isOperator: false);
}
