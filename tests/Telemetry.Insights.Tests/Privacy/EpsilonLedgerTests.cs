using Telemetry.Insights.Privacy;
using Telemetry.Registry;
using Telemetry.Testing;

namespace Telemetry.Insights.Tests.Privacy;

public sealed class EpsilonLedgerTests : IDisposable
{
    private const long Day = 86_400_000;
    private readonly TempFolder _folder = new();
    private readonly ManualTime _clock = new(20_000 * Day);
    private EpsilonLedger _ledger;
    private byte _next;

    public EpsilonLedgerTests() => _ledger = Open();

    public void Dispose()
    {
        _ledger.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Spend_BeyondTheRollingWeek_IsRefused_AndAllowedAWeekLater()
    {
        Assert.Equal(2, Spend(2, 10, 12));
        Assert.Equal(0, Spend(2, 12, 14));
        RegistryException refusal = Assert.Throws<RegistryException>(() => Spend(0.5, 12, 12));
        Assert.Equal(RegistryError.Forbidden, refusal.Error);
        Assert.Contains("within 7 days", refusal.Message, StringComparison.Ordinal);

        _clock.Advance(TimeSpan.FromMilliseconds((7 * Day) + 1));
        Assert.Equal(3.5, Spend(0.5, 12, 12));
    }

    [Fact]
    public void Spend_WeeksOfDataApart_CountApart()
    {
        Assert.Equal(1, Spend(3, 10, 11));
        Assert.Equal(1, Spend(3, 12, 13)); // no week in common
        Assert.Throws<RegistryException>(() => Spend(2, 11, 12)); // touches both
        Assert.Equal(0, Spend(1, 5, 30));
    }

    [Fact]
    public void Spend_OverALifetime_IsRefusedForGood()
    {
        for (int i = 0; i < 4; i++, _clock.Advance(TimeSpan.FromMilliseconds(8 * Day))) Spend(2.5, 10, 10);
        Assert.Contains("ever", Assert.Throws<RegistryException>(() => Spend(0.5, 10, 10)).Message, StringComparison.Ordinal);
        Assert.Equal(3.5, Spend(0.5, 11, 11));
    }

    [Fact]
    public void Spend_SameReleaseAgain_IsFree_AlsoAfterRestart()
    {
        Spend(4, 10, 10, digest: 77);
        Assert.Equal(0, Spend(4, 10, 10, digest: 77));
        _ledger.Dispose();
        _ledger = Open();
        Assert.Equal(0, Spend(4, 10, 10, digest: 77));
        Assert.Throws<RegistryException>(() => Spend(0.1, 10, 10));
    }

    [Fact]
    public void Spend_OtherRecipient_HasItsOwnBudget()
    {
        Spend(4, 10, 10);
        Assert.Equal(1, Spend(3, 10, 10, recipient: "acme"));
    }

    private EpsilonLedger Open() => EpsilonLedger.Open(_folder.File("ledger.db"), new PrivacyBudget(RollingWeek: 4, Lifetime: 10), _clock);

    private double Spend(double epsilon, int first, int last, string recipient = "", byte? digest = null) =>
        _ledger.Spend(new Spending([digest ?? ++_next], $"population {recipient}", recipient, first, last, (int)(epsilon * 1000)));
}
