namespace Telemetry.Simulator.Fit;

/// <summary>How one FIT field is coded (FIT protocol, "Base Types"). Bit 7 of the number says whether byte order matters.</summary>
internal static class FitBaseType
{
    public const byte Enum = 0x00;
    public const byte SInt8 = 0x01;
    public const byte UInt8 = 0x02;
    public const byte SInt16 = 0x83;
    public const byte UInt16 = 0x84;
    public const byte SInt32 = 0x85;
    public const byte UInt32 = 0x86;
    public const byte Text = 0x07;
    public const byte Float32 = 0x88;
    public const byte Float64 = 0x89;
    public const byte UInt8Z = 0x0A;
    public const byte UInt16Z = 0x8B;
    public const byte UInt32Z = 0x8C;
    public const byte Bytes = 0x0D;
    public const byte SInt64 = 0x8E;
    public const byte UInt64 = 0x8F;
    public const byte UInt64Z = 0x90;

    /// <summary>Bytes of one value; 0 for a number the protocol does not list.</summary>
    public static int SizeOf(byte baseType) => baseType switch
    {
        Enum or SInt8 or UInt8 or UInt8Z or Text or Bytes => 1,
        SInt16 or UInt16 or UInt16Z => 2,
        SInt32 or UInt32 or UInt32Z or Float32 => 4,
        SInt64 or UInt64 or UInt64Z or Float64 => 8,
        _ => 0,
    };
}
