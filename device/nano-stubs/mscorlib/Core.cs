// nanoFramework.CoreLibrary 1.17: the language's own types.
namespace System
{
    public class Object
    {
        public Object() { }
        public virtual bool Equals(object obj) { throw null; }
        public virtual int GetHashCode() { throw null; }
        public virtual string ToString() { throw null; }
    }

    public abstract class ValueType { }

    public abstract class Enum : ValueType { }

    public struct Void { }

    public struct Boolean { }

    public struct Byte { }

    public struct SByte { }

    public struct Char { }

    public struct Int16
    {
        public const short MaxValue = 0x7FFF;
    }

    public struct UInt16 { }

    public struct Int32
    {
        public const int MaxValue = 0x7FFFFFFF;
        public const int MinValue = unchecked((int)0x80000000);
        public override string ToString() { throw null; }
    }

    public struct UInt32
    {
        public const uint MaxValue = 0xFFFFFFFF;
    }

    public struct Int64
    {
        public const long MaxValue = 0x7FFFFFFFFFFFFFFF;
    }

    public struct UInt64
    {
        public const ulong MaxValue = 0xFFFFFFFFFFFFFFFF;
    }

    public struct IntPtr { }

    public struct UIntPtr { }

    public struct Single { }

    public struct Double
    {
        public static bool IsNaN(double d) { throw null; }
    }

    public struct DateTime
    {
        public static DateTime UtcNow { get { throw null; } }
        public long Ticks { get { throw null; } }
        public DateTime(long ticks) { throw null; }
    }

    public sealed class String
    {
        public int Length { get { throw null; } }
        [Runtime.CompilerServices.IndexerName("Chars")]
        public char this[int index] { get { throw null; } }
        public static string Concat(string str0, string str1) { throw null; }
        public static string Concat(string str0, string str1, string str2) { throw null; }
        public static string Concat(string str0, string str1, string str2, string str3) { throw null; }
        public static string Concat(params string[] values) { throw null; }
        public static bool operator ==(string a, string b) { throw null; }
        public static bool operator !=(string a, string b) { throw null; }
        public override bool Equals(object obj) { throw null; }
        public override int GetHashCode() { throw null; }
    }

    public abstract class Array
    {
        public int Length { get { throw null; } }
        public static void Copy(Array sourceArray, int sourceIndex, Array destinationArray, int destinationIndex, int length) { throw null; }
        public static void Clear(Array array, int index, int length) { throw null; }
    }

    public class Exception
    {
        public Exception() { }
        public Exception(string message) { }
        public virtual string Message { get { throw null; } }
    }

    public class SystemException : Exception
    {
        public SystemException() { }
        public SystemException(string message) { }
    }

    public class ArgumentException : SystemException
    {
        public ArgumentException(string message) { }
    }

    public class NotSupportedException : SystemException
    {
        public NotSupportedException() { }
        public NotSupportedException(string message) { }
    }

    public class Attribute { }

    public enum AttributeTargets { All = 0x7FFF }

    public sealed class AttributeUsageAttribute : Attribute
    {
        public AttributeUsageAttribute(AttributeTargets validOn) { }
        public bool AllowMultiple { get; set; }
        public bool Inherited { get; set; }
    }

    public sealed class ParamArrayAttribute : Attribute { }

    public abstract class Delegate { }

    public abstract class MulticastDelegate : Delegate { }

    public struct RuntimeFieldHandle { }

    public struct RuntimeTypeHandle { }

    public class Type { }

    public interface IDisposable
    {
        void Dispose();
    }

    public static class BitConverter
    {
        public static long DoubleToInt64Bits(double value) { throw null; }
        public static double Int64BitsToDouble(long value) { throw null; }
    }
}

namespace System.Runtime.CompilerServices
{
    public static class RuntimeHelpers
    {
        public static void InitializeArray(Array array, RuntimeFieldHandle fldHandle) { throw null; }
    }

    public sealed class IndexerNameAttribute : Attribute
    {
        public IndexerNameAttribute(string indexerName) { }
    }
}

namespace System.Reflection
{
    public sealed class DefaultMemberAttribute : Attribute
    {
        public DefaultMemberAttribute(string memberName) { }
    }
}
