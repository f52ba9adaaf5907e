namespace Telemetry.Registry.Tests;

/// <summary>Profiles the tests put.</summary>
internal static class Profiles
{
    public static string Band(string model = "band-2", int version = 1, string key = "heart_rate", int max = 250) => $$"""
        {"model": "{{model}}", "version": {{version}}, "signals": [
          {"id": 1, "key": "{{key}}", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 20, "max": {{max}}, "privacy": "health", "periodMs": 1000}]}
        """;
}
