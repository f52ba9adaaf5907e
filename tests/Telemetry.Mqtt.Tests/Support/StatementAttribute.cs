namespace Telemetry.Mqtt.Tests;

/// <summary>Names a conformance statement a test proves. Numbers differ between the versions, so both stand here.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class StatementAttribute(MqttStandard standard, string statement) : Attribute
{
    public MqttStandard Standard { get; } = standard;
    public string Statement { get; } = statement;
}

/// <summary>The two standards.</summary>
internal enum MqttStandard
{
    V311,
    V5,
}
