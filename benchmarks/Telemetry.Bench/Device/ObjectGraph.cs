using System.Reflection;
using Telemetry.Device.Platform;

namespace Telemetry.Bench.Device;

/// <summary>
/// What a client holds: every object that can be reached from it, but not the ports that the firmware gave (flash, clock, transport) and not the
/// runtime's own. On this machine an object takes what a copy of it takes; on a 32-bit chip what nanoFramework's heap takes for the same fields and
/// lengths: blocks of 12 bytes, one for an object and one for each of its fields, whatever their type; 20 bytes and the elements, in such blocks, for
/// an array, whose elements are blocks themselves when they are references (nf-interpreter, nanoCLR_Runtime__HeapBlock.h). A structure in a field is
/// part of its object here, and an object of its own there.
/// </summary>
internal sealed class ObjectGraph
{
    private const int NanoBlockBytes = 12;
    private const int NanoArrayHeaderBytes = 20;
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Func<object, object> Copy =
        typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!.CreateDelegate<Func<object, object>>();

    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly SortedDictionary<string, Part> _parts = new(StringComparer.Ordinal);

    public ObjectGraph(object root) => Walk(root, "");

    /// <summary>Objects and arrays.</summary>
    public int Objects => _seen.Count;

    /// <summary>Bytes on this machine.</summary>
    public long Bytes => _parts.Values.Sum(part => part.Bytes);

    /// <summary>Bytes on a 32-bit chip.</summary>
    public long NanoBytes => _parts.Values.Sum(part => part.NanoBytes);

    /// <summary>The same by class; arrays by the class that holds them.</summary>
    public IReadOnlyDictionary<string, Part> Parts => _parts;

    private void Walk(object instance, string holder)
    {
        Type type = instance.GetType();
        if (IsOutside(instance) || !_seen.Add(instance)) return;
        bool isOurs = type.Namespace?.StartsWith("Telemetry.Device", StringComparison.Ordinal) == true;
        if (isOurs && !type.IsArray) holder = type.Name;
        Part part = PartOf(isOurs && !type.IsArray ? holder : $"{holder} {type.Name}");
        part.Objects++;
        part.Bytes += BytesOfCopy(instance);
        part.NanoBytes += NanoBytesOf(instance, isOurs);
        if (instance is Array array && !type.GetElementType()!.IsPrimitive)
        {
            foreach (object? element in array)
            {
                if (element != null) Walk(element, holder);
            }
        }

        if (!type.IsArray && instance is not string) WalkFields(instance, holder);
    }

    private void WalkFields(object instance, string holder)
    {
        foreach (FieldInfo field in FieldsOf(instance.GetType()))
        {
            if (field.FieldType.IsPrimitive || field.FieldType.IsPointer || field.FieldType.IsEnum || field.GetValue(instance) is not { } value) continue;
            if (!field.FieldType.IsValueType)
            {
                Walk(value, holder);
                continue;
            }

            PartOf(holder).NanoBytes += NanoBytesOf(value, isOurs: true);
            WalkFields(value, holder);
        }
    }

    private Part PartOf(string name)
    {
        if (!_parts.TryGetValue(name, out Part? part)) _parts[name] = part = new Part();
        return part;
    }

    private static bool IsOutside(object instance) =>
        instance is IFlash or ITransport or IClock or IHealth or MessagePort or Type or Thread or ValueType;

    // The least of a few: the runtime's own threads allocate nothing on this one, but a first copy may make what later ones use.
    private static long BytesOfCopy(object instance)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            object copy = Copy(instance);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            if (copy is IDisposable or System.Runtime.ConstrainedExecution.CriticalFinalizerObject) GC.SuppressFinalize(copy);
        }

        return least;
    }

    private static long NanoBytesOf(object instance, bool isOurs)
    {
        if (instance is string text) return Blocks(NanoBlockBytes + text.Length + 1);
        if (instance is Array array) return Blocks(NanoArrayHeaderBytes + (array.Length * ElementBytes(array.GetType().GetElementType()!)));
        return NanoBlockBytes * (isOurs ? 1 + FieldsOf(instance.GetType()).Count() : 2);
    }

    private static long Blocks(long bytes) => (bytes + NanoBlockBytes - 1) / NanoBlockBytes * NanoBlockBytes;

    private static int ElementBytes(Type element) => element.IsPrimitive ? element == typeof(bool) ? 1 : System.Runtime.InteropServices.Marshal.SizeOf(element) : NanoBlockBytes;

    private static IEnumerable<FieldInfo> FieldsOf(Type? type)
    {
        for (; type != null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(Fields)) yield return field;
        }
    }

    /// <summary>What the objects of a class take, or its arrays.</summary>
    internal sealed class Part
    {
        public int Objects { get; set; }

        public long Bytes { get; set; }

        public long NanoBytes { get; set; }
    }
}
