using System.Text;

namespace Telemetry.Wire.Profiles;

/// <summary>One thing wrong with a profile's text, said so that its author can fix it without asking.</summary>
/// <param name="Line">Line of the text, from 1.</param>
/// <param name="Column">Character of the line, from 1.</param>
/// <param name="Key">Where in the document, e.g. <c>signals[2].resolution</c>; empty for the document itself.</param>
/// <param name="Found">What stands there.</param>
/// <param name="Expected">What may stand there.</param>
/// <param name="Advice">What to do; empty when <paramref name="Expected"/> says it.</param>
public sealed record ProfileFault(int Line, int Column, string Key, string Found, string Expected, string Advice)
{
    /// <summary>The fault as one line: <c>4:12 signals[0].kind: found "gage"; expected gauge, ... Did you mean "gauge"?</c></summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(Line).Append(':').Append(Column).Append(' ');
        if (Key.Length > 0) text.Append(Key).Append(": ");
        text.Append("found ").Append(Found).Append("; expected ").Append(Expected).Append('.');
        if (Advice.Length > 0) text.Append(' ').Append(Advice);
        return text.ToString();
    }
}

/// <summary>What <see cref="ProfileReader.Read"/> made of a text.</summary>
/// <param name="Profile">The profile, or null when there is any fault.</param>
/// <param name="Faults">Every fault, in the order of the text; empty when the profile is good.</param>
/// <param name="Notes">What is allowed but probably not meant, such as a standard key with another unit.</param>
public sealed record ProfileReadResult(ModelProfile? Profile, IReadOnlyList<ProfileFault> Faults, IReadOnlyList<ProfileFault> Notes)
{
    /// <summary>True when the text is a profile without a fault.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Profile))]
    public bool IsValid => Profile is not null;
}
