using System.Buffers.Binary;
using Telemetry.Simulator.Fit;

namespace Telemetry.Simulator.Tests.Fit;

/// <summary>Builds FIT files byte by byte, so that the tests need no recorded ones.</summary>
internal sealed class FitFileWriter(bool bigEndian = false, int headerBytes = 14)
{
    private readonly List<byte> _data = [];

    /// <summary>Writes a definition message. Fields are (number, size, base type); developer fields only have sizes.</summary>
    public FitFileWriter Define(int localType, int messageNumber, (int Number, int Size, byte BaseType)[] fields, params int[] developerSizes)
    {
        _data.Add((byte)(0x40 | (developerSizes.Length > 0 ? 0x20 : 0) | localType));
        _data.Add(0);
        _data.Add((byte)(bigEndian ? 1 : 0));
        Number(messageNumber, 2);
        _data.Add((byte)fields.Length);
        foreach ((int number, int size, byte baseType) in fields) _data.AddRange([(byte)number, (byte)size, baseType]);
        if (developerSizes.Length > 0)
        {
            _data.Add((byte)developerSizes.Length);
            foreach (int size in developerSizes) _data.AddRange([0, (byte)size, 0]);
        }

        return this;
    }

    /// <summary>Writes a data message; each value with its size in bytes.</summary>
    public FitFileWriter Data(int localType, params (long Value, int Size)[] values) => Message((byte)localType, values);

    /// <summary>Writes a data message with a compressed timestamp header.</summary>
    public FitFileWriter Compressed(int localType, int timeOffset, params (long Value, int Size)[] values) =>
        Message((byte)(0x80 | (localType << 5) | timeOffset), values);

    public FitFileWriter Raw(params byte[] bytes)
    {
        _data.AddRange(bytes);
        return this;
    }

    public byte[] Build()
    {
        byte[] file = new byte[headerBytes + _data.Count + 2];
        file[0] = (byte)headerBytes;
        file[1] = 0x20;
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), _data.Count);
        ".FIT"u8.CopyTo(file.AsSpan(8));
        if (headerBytes == 14) BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(12), FitCrc.Compute(file.AsSpan(0, 12)));
        _data.CopyTo(file, headerBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(file.Length - 2), FitCrc.Compute(file.AsSpan(0, file.Length - 2)));
        return file;
    }

    private FitFileWriter Message(byte header, (long Value, int Size)[] values)
    {
        _data.Add(header);
        foreach ((long value, int size) in values) Number(value, size);
        return this;
    }

    private void Number(long value, int size)
    {
        for (int index = 0; index < size; index++)
        {
            int shift = 8 * (bigEndian ? size - 1 - index : index);
            _data.Add((byte)(value >> shift));
        }
    }
}
