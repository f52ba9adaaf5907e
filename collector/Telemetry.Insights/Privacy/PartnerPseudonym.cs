using System.Text;
using Telemetry.Registry;

namespace Telemetry.Insights.Privacy;

/// <summary>Names of users for partner brands. Without the key nobody can tell whether two names of two brands are one person.</summary>
internal static class PartnerPseudonym
{
    private const int Bytes = 10; // 80 bits, as a user key has

    public static string Of(NoiseKey key, string brand, UserKey user) =>
        // Ids hold no '|' and no line end, so no two pairs make the same text.
        Base32.Encode(key.Derive(Encoding.UTF8.GetBytes($"pseudonym 1|{brand}|{user.Text}")).AsSpan(0, Bytes));
}
