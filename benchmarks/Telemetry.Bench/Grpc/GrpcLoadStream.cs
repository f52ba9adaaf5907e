using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Telemetry.Wire;
using Telemetry.Wire.V1;

namespace Telemetry.Bench.Grpc;

/// <summary>One device that sends its prepared messages over telemetry.v1.Ingest/Stream on a connection of its own and checks every answer.</summary>
internal sealed class GrpcLoadStream : IDisposable
{
    private const int WriteBytes = 64 * 1024;

    /// <summary>No flush takes this long, however busy the machine: the benchmark ends and says where it stood.</summary>
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http = new(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly HttpRequestMessage _request;
    private readonly MemoryStream _frames = new();
    private readonly MemoryStream _expected = new();
    private long _sent;

    public GrpcLoadStream(int port, string username, string secret)
    {
        _request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{port}/telemetry.v1.Ingest/Stream")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Frames(this),
        };
        _request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        _request.Headers.Add("te", "trailers");
        _request.Headers.Add("authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{username}:{secret}")));
    }

    /// <summary>Prepares one SubmitRequest of sealed batches and the answer it must get.</summary>
    /// <returns>Rows in it.</returns>
    public int AddMessage(uint epoch, ulong firstSeq, int batches, uint profile, List<(byte[] Block, int Rows)> blocks)
    {
        byte[][] sealedBatches = new byte[batches][];
        int rows = 0;
        for (int i = 0; i < batches; i++)
        {
            (byte[] block, int count) = blocks[(int)((firstSeq + (ulong)i) % (ulong)blocks.Count)];
            sealedBatches[i] = Seal(epoch, firstSeq + (ulong)i, profile, block);
            rows += count;
        }

        AddMessage(firstSeq, sealedBatches);
        return rows;
    }

    /// <summary>Prepares one SubmitRequest of batches that are sealed already and the answer it must get.</summary>
    public void AddMessage(ulong tag, IReadOnlyList<byte[]> sealedBatches)
    {
        SubmitRequest request = new() { Tag = tag };
        SubmitResponse answer = new() { Tag = tag };
        foreach (byte[] batch in sealedBatches)
        {
            request.Batches.Add(UnsafeByteOperations.UnsafeWrap(batch));
            answer.Results.Add(new BatchResult { Outcome = Outcome.Stored });
        }

        WriteFrame(_frames, request);
        WriteFrame(_expected, answer);
    }

    /// <summary>Sends everything and reads the answers as they come.</summary>
    /// <exception cref="InvalidOperationException">An answer is not the expected one.</exception>
    public async Task RunAsync()
    {
        long at = 0;
        using HttpResponseMessage response = await SilenceEnds(_http.SendAsync(_request, HttpCompletionOption.ResponseHeadersRead));
        using Stream answers = await response.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[WriteBytes];
        while (await SilenceEnds(answers.ReadAsync(buffer).AsTask()) is var read and > 0)
        {
            int same = buffer.AsSpan(0, read).CommonPrefixLength(_expected.GetBuffer().AsSpan((int)at, read));
            if (same < read)
                throw new InvalidOperationException($"Answer differs from \"stored\" at byte {at + same}: {Encoding.ASCII.GetString(buffer, same, Math.Min(60, read - same))}");
            at += read;
        }

        string status = Said("grpc-status");
        if (at != _expected.Length || status != "0") throw new InvalidOperationException($"{at} of {_expected.Length} bytes of answers, grpc-status {status} {Said("grpc-message")}");

        async Task<T> SilenceEnds<T>(Task<T> answer)
        {
            try
            {
                return await answer.WaitAsync(s_longestSilence, TimeProvider.System);
            }
            catch (TimeoutException)
            {
                throw new InvalidOperationException($"No answer for {s_longestSilence.TotalSeconds:F0} s: {at} of {_expected.Length} bytes of answers after {_sent} of {_frames.Length} bytes were sent.");
            }
        }

        // A call that comes to nothing says so in its headers.
        string Said(string name) =>
            response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values) || response.Headers.TryGetValues(name, out values) ? string.Concat(values) : "none";
    }

    public void Dispose()
    {
        _request.Dispose();
        _http.Dispose();
    }

    private static byte[] Seal(uint epoch, ulong seq, uint profile, byte[] block)
    {
        Batch batch = new()
        {
            Epoch = epoch,
            Seq = seq,
            Boot = 1,
            Profile = profile,
            Clock = new Clock { WallUnixMs = 1_795_000_000_000, UptimeMs = 900_000_000_000 + seq, ErrorMs = 50, Source = ClockSource.Ntp },
            Blocks = { UnsafeByteOperations.UnsafeWrap(block) },
        };
        int size = batch.CalculateSize();
        byte[] whole = new byte[size + 5];
        batch.WriteTo(whole.AsSpan(0, size));
        whole[size] = (15 << 3) | 5;
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(size + 1), Crc32C.Compute(whole.AsSpan(0, size)));
        return whole;
    }

    private static void WriteFrame(MemoryStream stream, IMessage message)
    {
        Span<byte> header = stackalloc byte[5];
        BinaryPrimitives.WriteInt32BigEndian(header[1..], message.CalculateSize());
        stream.Write(header);
        message.WriteTo(stream);
    }

    private sealed class Frames(GrpcLoadStream owner) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            MemoryStream frames = owner._frames;
            for (int at = 0; at < frames.Length; at += WriteBytes)
            {
                await stream.WriteAsync(frames.GetBuffer().AsMemory(at, (int)Math.Min(WriteBytes, frames.Length - at)));
                owner._sent = Math.Min(at + WriteBytes, frames.Length);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }
    }
}
