using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Telemetry.Wire.Profiles;

namespace Telemetry.Simulator.Devices;

/// <summary>The models this room knows how to play: the JSON files of Profiles/, embedded.</summary>
public static class StandardProfiles
{
    /// <summary>Wristband of the simulated fleet.</summary>
    public static DeviceProfile Band { get; } = Load("band-2");

    /// <summary>Smart shoe of the simulated fleet.</summary>
    public static DeviceProfile Shoe { get; } = Load("stride-1");

    /// <summary>Room sensor of the simulated fleet.</summary>
    public static DeviceProfile Room { get; } = Load("room-1");

    /// <summary>What a Fitabase export holds.</summary>
    public static DeviceProfile FitabaseBand { get; } = Load("fitabase-band");

    /// <summary>What FIT activity files hold.</summary>
    public static DeviceProfile FitWatch { get; } = Load("fit-watch");

    /// <summary>Phone of an ExtraSensory person.</summary>
    public static DeviceProfile Phone { get; } = Load("phone-1");

    /// <summary>Watch of an ExtraSensory person.</summary>
    public static DeviceProfile Watch { get; } = Load("watch-1");

    /// <summary>One sensor of a labelled home.</summary>
    public static DeviceProfile HomeSensor { get; } = Load("home-sensor");

    /// <summary>The same signals under another model's name, as <c>--model</c> asks.</summary>
    /// <exception cref="InputException">The name is not a model id.</exception>
    public static DeviceProfile Rename(DeviceProfile profile, string model)
    {
        JsonNode json = JsonNode.Parse(profile.Json)!;
        json["model"] = model;
        return Parse(json.ToJsonString(), $"--model '{model}'");
    }

    private static DeviceProfile Load(string model)
    {
        Assembly assembly = typeof(StandardProfiles).Assembly;
        using Stream stream = assembly.GetManifestResourceStream($"Telemetry.Simulator.Profiles.{model}.json")
            ?? throw new InvalidOperationException($"The profile {model} is not embedded in {assembly.GetName().Name}.");
        using StreamReader reader = new(stream, Encoding.UTF8);
        return Parse(reader.ReadToEnd(), $"the built-in profile {model}");
    }

    private static DeviceProfile Parse(string json, string origin)
    {
        ProfileReadResult read = ProfileReader.Read(Encoding.UTF8.GetBytes(json));
        return read.Profile is { } model
            ? new DeviceProfile(model, json)
            : throw new InputException($"{origin} is not usable: {string.Join("; ", read.Faults)}");
    }
}

/// <summary>A model's profile in the three forms it is needed in.</summary>
public sealed class DeviceProfile
{
    internal DeviceProfile(ModelProfile model, string json)
    {
        Model = model;
        Json = json;
    }

    /// <summary>As the collector understands it.</summary>
    public ModelProfile Model { get; }

    /// <summary>As a brand registers it.</summary>
    public string Json { get; }

    /// <summary>As firmware carries it: the tables a build step would have generated.</summary>
    /// <param name="steady">Signals measured every period; the others are treated as irregular. Null = all by their period.</param>
    public Device.Profile ToFirmware(IReadOnlySet<int>? steady = null) => new FirmwareTables(Model).ToProfile(steady);
}
