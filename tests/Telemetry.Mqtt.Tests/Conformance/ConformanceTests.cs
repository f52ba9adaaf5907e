using System.Reflection;
using System.Text;
using Telemetry.Testing;

namespace Telemetry.Mqtt.Tests.Conformance;

/// <summary>CONFORMANCE.md is made from the tests: each numbered statement has one that proves it, or a reason why none does.</summary>
public class ConformanceTests
{
    private static readonly string Page = Path.Combine(RealParts.RepositoryRoot, "collector", "Telemetry.Mqtt", "CONFORMANCE.md");

    private static readonly string Statements = Path.Combine(RealParts.RepositoryRoot, "tests", "Telemetry.Mqtt.Tests", "Conformance", "statements.txt");

    /// <remarks>After a change of tags: <c>TELEMETRY_REGENERATE=1 dotnet test --filter ConformanceTests</c> writes the page anew.</remarks>
    [Fact]
    public void ConformancePage_IsWhatTheTestsSay()
    {
        string expected = Render();
        if (Environment.GetEnvironmentVariable("TELEMETRY_REGENERATE") == "1") File.WriteAllText(Page, expected);

        Assert.Equal(expected, File.ReadAllText(Page));
    }

    [Fact]
    public void Statements_EachHasATestOrAReason()
    {
        ILookup<string, string> tests = TestsByStatement();
        foreach ((string key, string why) in ReadStatements())
        {
            Assert.True(tests[key].Any() != why.Length > 0, $"{key} needs a test or a reason, and not both: {string.Join(", ", tests[key])} / {why}");
        }
    }

    [Fact]
    public void Tags_NameStatementsThatExist()
    {
        HashSet<string> known = [.. ReadStatements().Select(statement => statement.Key)];
        Assert.All(TestsByStatement(), group => Assert.Contains(group.Key, known));
    }

    private static string Render()
    {
        ILookup<string, string> tests = TestsByStatement();
        StringBuilder page = new();
        page.Append(
            """
            # Conformance

            Made from the tests by `ConformanceTests`; do not edit. Numbers are those of the OASIS standards MQTT 5.0 and MQTT 3.1.1; the same number says different things in the two.

            Eclipse's interoperability tests (paho.mqtt.testing, `client_test.py` and `client_test5.py`, as a device in the lab space of `telemetry up --lab`, each test in its own process
            against a fresh collector): 10 of 10 for 3.1.1, 26 of 27 for 5.0. Not passed: `server_keep_alive`, which expects a server that is set to grant 60 s at most; a collector grants what
            is asked (`MaxKeepAlive` 0); `ConnectTests.Connect_KeepAliveAboveTheLimitV5_IsToldServerKeepAlive` has the rule. `flow_control2`, which floods the server past its Receive Maximum and then races with its DISCONNECT, passed this time.


            """);
        foreach ((string version, string title) in new[] { ("V5", "MQTT 5.0"), ("V311", "MQTT 3.1.1") })
        {
            List<(string Key, string Why)> statements = [.. ReadStatements().Where(statement => statement.Key.StartsWith(version + " ", StringComparison.Ordinal))];
            page.Append($"## {title}: {statements.Count(one => one.Why.Length == 0)} of {statements.Count} statements have a test\n\n| statement | test, or why there is none |\n|---|---|\n");
            foreach ((string key, string why) in statements)
            {
                string cell = why.Length > 0 ? why : string.Join(", ", tests[key].Order(StringComparer.Ordinal).Select(test => $"`{test}`"));
                page.Append($"| {key.Split(' ')[1]} | {cell} |\n");
            }

            page.Append('\n');
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static ILookup<string, string> TestsByStatement() =>
        typeof(ConformanceTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .SelectMany(method => method.GetCustomAttributes<StatementAttribute>().Select(tag => (Key: $"{tag.Standard} {tag.Statement}", Test: $"{method.DeclaringType!.Name}.{method.Name}")))
            .ToLookup(one => one.Key, one => one.Test, StringComparer.Ordinal);

    private static IEnumerable<(string Key, string Why)> ReadStatements() =>
        File.ReadLines(Statements).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ', 3)).Select(parts => ($"{parts[0]} {parts[1]}", parts.Length > 2 ? parts[2] : ""));
}
