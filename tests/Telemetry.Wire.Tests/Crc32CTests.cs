using System.Text;
using Telemetry.Device.Sampling;

namespace Telemetry.Wire.Tests;

public sealed class Crc32CTests
{
    // RFC 3720 appendix B.4 and the common check string.
    [Theory]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("", 0u)]
    public void Compute_KnownText_GivesPublishedValue(string text, uint expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        Assert.Equal(expected, Crc32C.Compute(bytes));
        Assert.Equal(expected, Crc32c.Update(0, bytes, 0, bytes.Length));
    }

    [Fact]
    public void Compute_ThirtyTwoZeros_GivesPublishedValue() => Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));

    [Fact]
    public void Append_AnySplit_EqualsWhole()
    {
        byte[] bytes = new byte[67];
        new Random(1).NextBytes(bytes);
        uint whole = Crc32C.Compute(bytes);
        for (int split = 0; split <= bytes.Length; split++)
        {
            Assert.Equal(whole, Crc32C.Append(Crc32C.Compute(bytes.AsSpan(0, split)), bytes.AsSpan(split)));
            Assert.Equal(whole, Crc32c.Update(Crc32c.Update(0, bytes, 0, split), bytes, split, bytes.Length - split));
        }
    }
}
