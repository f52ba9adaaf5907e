using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;

namespace Telemetry.Insights.Tests;

public sealed class ErasureTests : IDisposable
{
    private static readonly string[] s_everybody = ["anna-with-a-long-key", "ben", "carla"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EraseUser_LeavesWhatAReplayWithoutTheUserDerives()
    {
        using InsightsStore all = InsightsStore.Open(_folder.File("all.db")), without = InsightsStore.Open(_folder.File("without.db"));
        Derive(all, s_everybody);
        Derive(without, s_everybody[1..]);

        InsightsErasure erased = all.EraseUser(UserKey.Parse(s_everybody[0]));

        // 30 minutes; sleep, walk, and two revisions of desk
        Assert.Equal(new InsightsErasure(30, 4, 1), erased);
        Assert.Equal(Dump("without.db"), Dump("all.db"));
        Assert.Equal(new InsightsErasure(0, 0, 0), all.EraseUser(UserKey.Parse(s_everybody[0])));
    }

    [Fact]
    public void EraseUser_LeavesNoByteOfTheKeyOrTheMinutesOnDisk()
    {
        using InsightsStore store = InsightsStore.Open(_folder.File("all.db"));
        Derive(store, s_everybody);
        Assert.True(IsOnDisk(s_everybody[0]) && IsOnDisk("minute of anna"));
        store.EraseUser(UserKey.Parse(s_everybody[0]));
        Assert.False(IsOnDisk(s_everybody[0]));
        Assert.False(IsOnDisk("minute of anna"));
        Assert.True(IsOnDisk("minute of carla"));
    }

    [Fact]
    public void EraseUser_ThenReleases_NoLongerCountTheUser()
    {
        using Releases.World world = new(threshold: 1);
        world.AddPeople(40);
        double before = Users(world);
        for (int person = 0; person < 20; person++)
        {
            world.Registry.EraseUser(UserKey.Parse($"u{person}"), []);
            world.Store.EraseUser(UserKey.Parse($"u{person}"));
        }

        Assert.InRange(before, 37, 43); // epsilon 16: noise of scale 0.5
        Assert.InRange(Users(world), 17, 23);

        static double Users(Releases.World world) => world.Ask("users", "scenario", epsilon: 16).Rows.Single(row => row.Group[0] == "sleep").Value;
    }

    [Fact]
    public void Pseudonym_IsStableForABrandAndApartBetweenBrands()
    {
        NoiseKey key = NoiseKey.Open(_folder.File("noise.key"));
        string name = PartnerPseudonym.Of(key, "acme", UserKey.Parse("ben"));
        Assert.Equal(name, PartnerPseudonym.Of(NoiseKey.Open(_folder.File("noise.key")), "acme", UserKey.Parse("ben")));
        Assert.NotEqual(name, PartnerPseudonym.Of(key, "zeta", UserKey.Parse("ben")));
        Assert.NotEqual(name, PartnerPseudonym.Of(NoiseKey.FromBytes(new byte[32]), "acme", UserKey.Parse("ben")));
        Assert.Equal(16, name.Length);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File("noise.key")));
    }

    private static void Derive(InsightsStore store, string[] users)
    {
        for (int pass = 1; pass <= 3; pass++)
        {
            using InsightsTransaction step = store.Begin();
            foreach (UserKey user in users.Select(UserKey.Parse))
            {
                for (int minute = 0; minute < 10 * pass; minute++) step.PutMinute(user, minute, Encoding.UTF8.GetBytes($"minute of {user.Text} {minute:d4}"));
                step.PutState("checkpoint", [(byte)pass], user);
                step.ReplaceSegments(user, 0, 10 * pass, [Stay("sleep", 0, 5), Stay("walk", 5, 10), .. pass > 1 ? [Stay("desk", 10, 10 * pass)] : Array.Empty<Segment>()]);
            }

            step.PutState("waiting", [1]);
            step.Commit(pass * 100);
        }
    }

    private static Segment Stay(string scenario, int start, int end) => new(scenario, start, end, 0.5, [], [1], $"base-{end / 30}", false);

    private string Dump(string file)
    {
        StringBuilder text = new();
        using SqliteConnection connection = new($"Data Source={_folder.File(file)};Pooling=False");
        connection.Open();
        foreach (string sql in new[]
        {
            "SELECT user, minute, hex(state) FROM minutes JOIN users USING(user_id) ORDER BY 1, 2",
            "SELECT coalesce(user, ''), name, hex(value) FROM states LEFT JOIN users USING(user_id) ORDER BY 1, 2",
            "SELECT user, start_minute, end_minute, s.name, m.name, confidence, hex(detail), revision, replaced FROM segments JOIN users USING(user_id) JOIN names s ON s.name_id = scenario JOIN names m ON m.name_id = model ORDER BY 1, 2, 3, revision",
            "SELECT value FROM meta WHERE name = 'cursor'",
        })
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            using SqliteDataReader rows = command.ExecuteReader();
            while (rows.Read()) text.AppendJoin('|', Enumerable.Range(0, rows.FieldCount).Select(column => Convert.ToString(rows.GetValue(column), CultureInfo.InvariantCulture))).Append('\n');
        }

        return text.ToString();
    }

    private bool IsOnDisk(string text) => Directory.GetFiles(_folder.Path).Any(file =>
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
    });
}
