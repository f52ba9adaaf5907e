using System.Buffers;
using System.IO.Compression;

namespace Telemetry.Grpc.Protocol;

/// <summary>Inflates gzip messages of one call. The result never grows past the message limit, whatever the compressed bytes promise.</summary>
internal sealed class GzipDecoder(int maxMessageBytes) : IDisposable
{
    private const int FirstBufferBytes = 16 * 1024;

    private byte[]? _inflated;

    /// <summary>Inflates one message.</summary>
    /// <returns>The message; valid until the next call.</returns>
    /// <exception cref="GrpcException">INTERNAL for bytes that are no gzip; RESOURCE_EXHAUSTED past the limit.</exception>
    public ReadOnlySequence<byte> Decode(in ReadOnlySequence<byte> compressed)
    {
        _inflated ??= ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
        byte[] source = ArrayPool<byte>.Shared.Rent((int)compressed.Length);
        try
        {
            compressed.CopyTo(source);
            using GZipStream gzip = new(new MemoryStream(source, 0, (int)compressed.Length, writable: false), CompressionMode.Decompress);
            int length = 0;
            while (true)
            {
                if (length == _inflated.Length) Grow();
                int read = gzip.Read(_inflated, length, _inflated.Length - length);
                if (read == 0) return new ReadOnlySequence<byte>(_inflated, 0, length);
                length += read;
                if (length > maxMessageBytes)
                    throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"The message inflates to more than {maxMessageBytes} bytes.");
            }
        }
        catch (InvalidDataException)
        {
            throw new GrpcException(GrpcStatusCode.Internal, "A message is marked gzip but cannot be inflated.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(source);
        }
    }

    public void Dispose()
    {
        if (_inflated is not null) ArrayPool<byte>.Shared.Return(_inflated);
        _inflated = null;
    }

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(_inflated!.Length * 2);
        _inflated.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_inflated);
        _inflated = larger;
    }
}
