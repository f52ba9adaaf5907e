using Telemetry.Simulator.Blocks;

namespace Telemetry.Simulator.Tests.Blocks;

/// <summary>What <c>telemetry block pack</c> and <c>unpack</c> do to a table.</summary>
public sealed class BlockFileTests
{
    private const int RowsPerBlock = 4;

    public static TheoryData<string, string> Tables => new()
    {
        { "one row", "time,hr\n1,72\n" },
        { "no rows", "time,hr\n" },
        { "several blocks", "time,hr\n0,1\n1,2\n2,3\n3,5\n4,8\n5,13\n6,21\n" },
        { "missing values", "time,hr,temp\n1,72,36.6\n2,,36.7\n3,,\n4,73,\n" },
        { "column without values", "time,a,b\n1,,5\n2,,6\n" },
        { "negative and duplicate and unsorted times", "time,x\n-5,1\n-5,2\n9,3\n2,4\n" },
        { "ms since 1970", "time,x\n1792000000000,1\n1792000000060,2\n1791999999000,3\n" },
        { "fractions of a second", "time,x\n0.25,1\n0.50,2\n1000000.75,3\n" },
        { "days apart", "time,x\n0,1\n86400000,2\n86400001,3\n" },
        { "extremes", "time,x\n0,9223372036854775807\n1,-9223372036854775808\n2,0\n" },
        { "decimals", "time,x\n0,0.97000002861023\n1,-2.50000000000001\n2,0.00000000000000\n" },
        { "reals", "time,x\n0,1E+300\n1,NaN\n2,-0\n3,Infinity\n4,-Infinity\n5,5E-324\n" },
    };

    [Theory]
    [MemberData(nameof(Tables))]
    public void Unpack_PackedTable_IsTheSameText(string name, string table)
    {
        Assert.NotEmpty(name);
        Assert.Equal(table, RoundTrip(table));
    }

    [Theory]
    [InlineData("time,x\r\n1,2\r\n3,4\r\n", "time,x\n1,2\n3,4\n")]
    [InlineData("time,x\n\n1,2\n\n3,4", "time,x\n1,2\n3,4\n")]
    [InlineData("time,x\n0,007\n1,+3\n2,.5\n", "time,x\n0,7\n1,3\n2,0.5\n")]
    [InlineData("time,x\n0,1e5\n1,inf\n2,-inf\n3,nan\n", "time,x\n0,100000\n1,Infinity\n2,-Infinity\n3,NaN\n")]
    public void Unpack_TableInOtherForms_HasTheSameNumbers(string table, string expected) => Assert.Equal(expected, RoundTrip(table));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("time\n1\n", "at least one signal")]
    [InlineData("time;x\n1;2\n", "separated by commas")]
    [InlineData("time,\"a,b\"\n1,2\n", "quoted")]
    [InlineData("time,x\n1,2,3\n", "Line 2 has 3 cells")]
    [InlineData("time,x\n1,abc\n", "Line 2: 'abc' in column 'x' is not a number")]
    [InlineData("time,x\nnoon,1\n", "Line 2: the time 'noon'")]
    [InlineData("time,x\n1,1\n2.5,1\n", "Line 3: the time '2.5'")]
    [InlineData("time,x\n1,99999999999999999999999\n", "would not come back equal")]
    [InlineData("time,x\n1,0.1234567890123456789\n", "would not come back equal")]
    [InlineData("time,x\n1,1e400\n", "would not come back equal")]
    [InlineData("time,x\n1,1e-99999999999\n", "would not come back equal")]
    public void Pack_TableThatCannotComeBackEqual_SaysWhere(string table, string expected)
    {
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => RoundTrip(table));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    private static string RoundTrip(string table)
    {
        using MemoryStream file = new();
        BlockFile.Pack(CsvSeries.Read(new StringReader(table)), RowsPerBlock, file);
        file.Position = 0;
        using StringWriter text = new();
        BlockFile.Unpack(file, text);
        return text.ToString();
    }
}
