// One bad habit a class: the gate must name each. They are compiled, never run.
#pragma warning disable
namespace Telemetry.Device.Tests.Nano.Planted;

internal sealed class Clean
{
    private readonly byte[] _buffer = new byte[4];

    public int Sum(ref int extra)
    {
        lock (_buffer)
        {
            int sum = extra;
            for (int i = 0; i < _buffer.Length; i++) sum += _buffer[i];
            return sum;
        }
    }
}

internal sealed class OwnGeneric<T>
{
    public T? Value;
}

internal sealed class UsesGeneric
{
    public object Make() => new List<int>();
}

internal sealed class CallsGenericMethod
{
    public object Make() => Array.Empty<string>();
}

internal sealed class MultiDimensional
{
    public int[,] Cells = new int[2, 2];
}

internal sealed class Pointers
{
    public unsafe int Read(int* at) => *at;
}

internal sealed class Fixing
{
    public unsafe int First(byte[] bytes)
    {
        fixed (byte* at = bytes) return *at;
    }
}

internal sealed class StackAllocation
{
    public unsafe int First()
    {
        int* cells = stackalloc int[4];
        return cells[0];
    }
}

internal sealed class CheckedArithmetic
{
    public int Add(int a, int b) => checked(a + b);
}

internal sealed class VolatileField
{
    private volatile int _value;

    public int Read() => _value;
}

internal interface IDefaultMethod
{
    int Answer() => 42;
}

internal interface IStaticAbstract
{
    static abstract int Answer();
}

internal sealed class EnumText
{
    internal enum Colour
    {
        Red,
    }

    public string Name(Colour colour) => colour.ToString();
}
