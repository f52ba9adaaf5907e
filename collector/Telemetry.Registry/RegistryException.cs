namespace Telemetry.Registry;

/// <summary>What kind of answer a refused change or question gets.</summary>
public enum RegistryError
{
    /// <summary>A named brand, model, device or user does not exist (HTTP 404, gRPC NOT_FOUND).</summary>
    NotFound = 1,

    /// <summary>What is asked contradicts what is there (HTTP 409, gRPC ALREADY_EXISTS).</summary>
    Conflict = 2,

    /// <summary>A value is out of its rules (HTTP 400, gRPC INVALID_ARGUMENT).</summary>
    Invalid = 3,

    /// <summary>The privacy budget or a consent does not allow it (HTTP 403, gRPC PERMISSION_DENIED).</summary>
    Forbidden = 4,
}

/// <summary>A refusal that its caller can act on: the text says what was found, what is expected and what to do, and never a secret.</summary>
public sealed class RegistryException(RegistryError error, string message) : Exception(message)
{
    /// <summary>The kind of refusal.</summary>
    public RegistryError Error { get; } = error;
}
