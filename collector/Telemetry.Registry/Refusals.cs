using Telemetry.Wire.Profiles;

namespace Telemetry.Registry;

/// <summary>The texts of refusals that more than one place gives.</summary>
internal static class Refusals
{
    private const int MaxFaultsTold = 50;

    public static RegistryException BrandId(string id) =>
        new(RegistryError.Invalid, $"\"{Shorten(id)}\" is no brand id; 1-32 of a-z, 0-9 and '-' are expected.");

    public static RegistryException DeviceId(string id) =>
        new(RegistryError.Invalid, $"\"{Shorten(id)}\" is no device id; 1-64 of A-Z, a-z, 0-9, '_' and '-' are expected.");

    public static RegistryException NoBrand(string id) =>
        new(RegistryError.NotFound, $"There is no brand \"{Shorten(id)}\". Add it first (telemetry brand add {Shorten(id)}).");

    public static RegistryException NoModel(string brand, string model) =>
        new(RegistryError.NotFound, $"Brand {brand} has no model \"{Shorten(model)}\". Put its profile first (telemetry model add {brand} FILE).");

    public static RegistryException NoDevice(string brand, string device) =>
        new(RegistryError.NotFound, $"There is no device \"{Shorten(brand)}/{Shorten(device)}\". Add it first (telemetry device add).");

    public static RegistryException NoSignal(string model, string signal, IEnumerable<string> known) =>
        new(RegistryError.Invalid, $"Model {model} has no signal \"{Shorten(signal)}\"; one of {string.Join(", ", known)} is expected.");

    public static RegistryException DeviceTaken(string brand, string device) =>
        new(RegistryError.Conflict, $"The device {brand}/{device} is there already; its secret is shown only once. Choose another id.");

    public static RegistryException Profile(IReadOnlyList<ProfileFault> faults) => new(
        RegistryError.Invalid,
        $"The profile has {faults.Count} fault{(faults.Count == 1 ? "" : "s")} (line:column):\n" + string.Join('\n', faults.Take(MaxFaultsTold)));

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "...";
}
