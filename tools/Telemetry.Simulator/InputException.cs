namespace Telemetry.Simulator;

/// <summary>Input that a person named and that cannot be used: the text says which, what was found and what is expected. Commands end with exit code 2 on it.</summary>
public sealed class InputException : Exception
{
    public InputException(string message) : base(message)
    {
    }

    public InputException(string message, Exception inner) : base(message, inner)
    {
    }
}
