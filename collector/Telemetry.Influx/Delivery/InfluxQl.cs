namespace Telemetry.Influx.Delivery;

/// <summary>Quoting in InfluxQL.</summary>
internal static class InfluxQl
{
    /// <summary>A name, in double quotes.</summary>
    public static string Identifier(string name) => $"\"{Escape(name, '"')}\"";

    /// <summary>A text, in single quotes.</summary>
    public static string Text(string text) => $"'{Escape(text, '\'')}'";

    private static string Escape(string text, char quote) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(quote.ToString(), "\\" + quote, StringComparison.Ordinal);
}
