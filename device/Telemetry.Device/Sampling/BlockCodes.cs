namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// The fixed prefix codes of integer columns and timelines (WIRE.md, "Code tables"). The lengths are the contract; the codes follow from
    /// them as in RFC 1951 section 3.2.2 and are kept bit-reversed, because streams are written least significant bit first.
    /// </summary>
    internal static class BlockCodes
    {
        public const int RunSymbols = 13;
        public const int FullRunSymbol = 12;
        public const int DifferenceSymbols = 22;
        public const int SwapSymbol = 8;
        public const int NearSwapSymbol = 9;
        public const int FirstRangeSymbol = 10;
        public const int FarSymbol = 20;
        public const int ZeroSymbol = 21;

        /// <summary>Activity classes that code runs of zeros; two more code every difference by itself.</summary>
        public const int RunClasses = 5;

        public const int Classes = 7;

        /// <summary>Where the length stands in a code; below it are at most 12 bits to write, the first in the lowest place.</summary>
        public const int LengthShift = 12;

        /// <summary>The bits to write.</summary>
        public const int CodeMask = (1 << LengthShift) - 1;

        // One hexadecimal digit a symbol: the length of its code, 1..8; '0' = no such symbol.
        private const string RunLengths =
            "2344455555662" + "1344555556774" + "1334456677775" + "1235667777776" + "1245556677775";

        // Per class: after a run of zeros, then directly after a difference. Classes without runs use the first only.
        private const string DifferenceLengths =
            "4467777713666766555770" + "3546464633344567667770" +
            "6567878831687864454680" + "4545868841644668588880" +
            "1255667766676777776770" + "2145667677677777777880" +
            "2234556655566677766670" + "2324455577556677777880" +
            "4455556645252777675770" + "3444455576243667777880" +
            "5555555676253567777882" + "0000000000000000000000" +
            "5555565565343456677772" + "0000000000000000000000";

        // code | length << LengthShift
        private static readonly ushort[] RunTable = Build(RunLengths, RunSymbols);
        private static readonly ushort[] DifferenceTable = Build(DifferenceLengths, DifferenceSymbols);

        // Bits of 0..63.
        private static readonly byte[] BitCounts = BuildBitCounts();

        /// <summary>Activity class of a mean below 512: 0 up to 7, and one more with each doubling.</summary>
        public static int ActivityClass(int mean)
        {
            return BitCounts[mean >> 3];
        }

        /// <summary>Bits of a number 0..63 without its leading zeros; 0 has none.</summary>
        public static int BitCount(int value)
        {
            return BitCounts[value];
        }

        /// <summary>Code of a run symbol, without extra bits.</summary>
        public static int Run(int activityClass, int symbol)
        {
            return RunTable[(activityClass * RunSymbols) + symbol];
        }

        /// <summary>Where the difference codes of a class begin; there are others where no run stands before the difference.</summary>
        public static int DifferenceTableOf(int activityClass, bool isAdjacent)
        {
            return ((activityClass << 1) + (isAdjacent ? 1 : 0)) * DifferenceSymbols;
        }

        /// <summary>Code of a difference symbol, without sign and extra bits.</summary>
        public static int Difference(int table, int symbol)
        {
            return DifferenceTable[table + symbol];
        }

        /// <summary>Code of a run of 0..63 that a difference ends, with its extra bits; at most 11 bits.</summary>
        public static int RunPrefix(int activityClass, int run)
        {
            if (run < 4) return Run(activityClass, run);

            // 4-5, 6-7, 8-11, 12-15, 16-23, ... : two symbols an octave, the rest as they are.
            int extra = BitCount(run >> 2);
            int code = Run(activityClass, 4 + ((extra - 1) << 1) + ((run >> extra) & 1));
            return (code + (extra << LengthShift)) | ((run & ((1 << extra) - 1)) << (code >> LengthShift));
        }

        private static ushort[] Build(string lengths, int symbols)
        {
            ushort[] table = new ushort[lengths.Length];
            for (int start = 0; start < lengths.Length; start += symbols)
            {
                int code = 0;
                for (int length = 1; length <= 8; length++)
                {
                    for (int symbol = start; symbol < start + symbols; symbol++)
                    {
                        if (lengths[symbol] - '0' != length) continue;
                        table[symbol] = (ushort)(Reversed(code, length) | (length << LengthShift));
                        code++;
                    }

                    code <<= 1;
                }
            }

            return table;
        }

        private static byte[] BuildBitCounts()
        {
            byte[] counts = new byte[64];
            for (int i = 1; i < counts.Length; i++) counts[i] = (byte)(counts[i >> 1] + 1);
            return counts;
        }

        private static int Reversed(int code, int length)
        {
            int reversed = 0;
            for (; length > 0; length--)
            {
                reversed = (reversed << 1) | (code & 1);
                code >>= 1;
            }

            return reversed;
        }
    }
}
