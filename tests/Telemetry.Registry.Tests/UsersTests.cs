using System.Text;
using Telemetry.Testing;

namespace Telemetry.Registry.Tests;

public sealed class UsersTests : IDisposable
{
    private static readonly UserKey s_anna = UserKey.Parse("anna-with-a-long-key");
    private static readonly UserKey s_ben = UserKey.Parse("ben");
    private readonly TempFolder _folder = new();
    private DeviceRegistry _registry;

    public UsersTests()
    {
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
        _registry.PutBrand("acme", "Acme");
        _registry.PutModel("acme", Profiles.Band());
        _registry.AddDevices([new("acme", "w1", "band-2"), new("acme", "w2", "band-2")]);
        _registry.AddUser(s_anna, 60);
        _registry.AddUser(s_ben, 0);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void UserAt_FollowsTheBindings_AlsoAfterRestart()
    {
        _registry.Bind(new DeviceBinding(1, s_anna, 1000, 2000));
        _registry.Bind(new DeviceBinding(1, s_ben, 2000, DeviceBinding.Open));
        Reopen();

        Assert.True(_registry.UserAt(1, 999).IsEmpty);
        Assert.Equal(s_anna, _registry.UserAt(1, 1000));
        Assert.Equal(s_anna, _registry.UserAt(1, 1999));
        Assert.Equal(s_ben, _registry.UserAt(1, 2000));
        Assert.True(_registry.UserAt(2, 2000).IsEmpty);
        Assert.True(_registry.UserAt(99, 2000).IsEmpty);
        Assert.Equal(1u, Assert.Single(_registry.FindUser(s_ben)!.Bindings).DeviceKey);
    }

    [Theory]
    [InlineData(0, 1000, false)]
    [InlineData(0, 1001, true)]
    [InlineData(1500, 1600, true)]
    [InlineData(1999, 3000, true)]
    [InlineData(2000, 3000, false)]
    public void Bind_OverlapOfOneDevice_IsRefused(long from, long to, bool isRefused)
    {
        _registry.Bind(new DeviceBinding(1, s_anna, 1000, 2000));
        DeviceBinding second = new(1, s_ben, from, to);
        if (isRefused) Assert.Equal(RegistryError.Conflict, Assert.Throws<RegistryException>(() => _registry.Bind(second)).Error);
        else Assert.Equal(second, _registry.Bind(second));
        Assert.Equal(isRefused ? 1 : 2, _registry.FindRecord(1)!.Bindings.Length);
    }

    [Fact]
    public void Bind_SameFromAgain_EndsTheBinding()
    {
        _registry.Bind(new DeviceBinding(1, s_anna, 1000, DeviceBinding.Open));
        _registry.Bind(new DeviceBinding(1, s_anna, 1000, 5000));
        _registry.Bind(new DeviceBinding(1, s_ben, 5000, DeviceBinding.Open));
        Assert.Equal(s_ben, _registry.UserAt(1, 5000));
        Assert.Equal(5000, Assert.Single(_registry.FindUser(s_anna)!.Bindings).ToUnixMs);
    }

    [Fact]
    public void AddUser_EmptyKey_DrawsOneThatNoTextShows()
    {
        UserRecord drawn = _registry.AddUser(default, 0);
        Assert.Equal(17, drawn.User.Text.Length); // u and 80 bits in base 32
        Assert.DoesNotContain(drawn.User.Text, $"{drawn.User} {drawn}", StringComparison.Ordinal);
        Assert.Same(drawn, _registry.AddUser(drawn.User, 0));
        Assert.Equal(RegistryError.Conflict, Assert.Throws<RegistryException>(() => _registry.AddUser(drawn.User, 60)).Error);
    }

    [Fact]
    public void Consent_WithoutAWord_IsNo() => Assert.False(_registry.HasConsent(s_anna, ConsentPurpose.Insights, "", long.MaxValue));

    [Fact]
    public void Consent_HoldsFromItsTimeUntilWithdrawn_AlsoAfterRestart()
    {
        Say(ConsentPurpose.Insights, "", true, 1000);
        Say(ConsentPurpose.Insights, "", false, 3000);
        Reopen();

        Assert.Equal([false, true, true, false], new long[] { 999, 1000, 2999, 3000 }.Select(time => _registry.HasConsent(s_anna, ConsentPurpose.Insights, "", time)));
        Assert.Equal([(1000L, 3000L)], _registry.FindUser(s_anna)!.Consents.Intervals(ConsentPurpose.Insights, ""));
        Assert.False(_registry.HasConsent(s_anna, ConsentPurpose.Triggers, "", 2000));
        Assert.True(_registry.FindUser(s_anna)!.Consents.HoldsForAny(2000));
        Assert.False(_registry.FindUser(s_anna)!.Consents.HoldsForAny(3000));
    }

    [Fact]
    public void Consent_LastWordCounts_AlsoForThePast()
    {
        Say(ConsentPurpose.Partner, "acme", true, 1000);
        Say(ConsentPurpose.Partner, "acme", false, 0);
        Assert.False(_registry.HasConsent(s_anna, ConsentPurpose.Partner, "acme", 1500));
        Say(ConsentPurpose.Partner, "acme", true, 2000);
        Assert.Equal([(2000L, long.MaxValue)], _registry.FindUser(s_anna)!.Consents.Intervals(ConsentPurpose.Partner, "acme"));
    }

    [Fact]
    public void SetConsent_RecipientWhereNoneBelongsOrMissing_IsRefused()
    {
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => Say(ConsentPurpose.Partner, "", true, 0)).Error);
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => Say(ConsentPurpose.Insights, "acme", true, 0)).Error);
        Assert.Equal(RegistryError.NotFound, Assert.Throws<RegistryException>(() => Say(ConsentPurpose.Partner, "zeta", true, 0)).Error);
    }

    [Fact]
    public void EraseUser_TakesEverythingAndFencesTheEpochs()
    {
        _registry.Bind(new DeviceBinding(1, s_anna, 0, 2000));
        _registry.Bind(new DeviceBinding(1, s_ben, 2000, DeviceBinding.Open));
        Say(ConsentPurpose.Insights, "", true, 0);

        RegistryErasure receipt = _registry.EraseUser(s_anna, [new DeviceEpoch(1, 5), new DeviceEpoch(1, 5), new DeviceEpoch(1, 6)]);

        Assert.Equal((1, 1), (receipt.Bindings, receipt.Consents));
        Assert.Equal([new DeviceEpoch(1, 5), new DeviceEpoch(1, 6)], receipt.FencedEpochs);
        Assert.Null(_registry.FindUser(s_anna));
        Assert.True(_registry.UserAt(1, 1000).IsEmpty);
        Assert.Equal(s_ben, _registry.UserAt(1, 2000));
        Assert.True(_registry.IsErasedEpoch(1, 6));
        Reopen();
        Assert.Null(_registry.FindUser(s_anna));
        Assert.True(_registry.IsErasedEpoch(1, 5));
        Assert.True(_registry.UserAt(1, 1000).IsEmpty);
    }

    [Fact]
    public void EraseUser_LeavesNoByteOfTheKeyOnDisk()
    {
        _registry.Bind(new DeviceBinding(1, s_anna, 0, 2000));
        Say(ConsentPurpose.Insights, "", true, 0);
        _registry.EraseUser(s_anna, []);
        foreach (string file in Directory.GetFiles(_folder.Path))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(s_anna.Text)));
        }
    }

    private void Say(ConsentPurpose purpose, string recipient, bool isGranted, long from) => _registry.SetConsent(s_anna, new ConsentEntry(purpose, recipient, isGranted, from));

    private void Reopen()
    {
        _registry.Dispose();
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
    }
}
