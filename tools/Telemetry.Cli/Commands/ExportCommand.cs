using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry export --user U</c>: everything kept of a person, in one archive they can open without us. <c>--device D</c>: the batches of a device.</summary>
/// <remarks>
/// Of a user user.json (devices, consents), segments.json and answers.json (what the user said); of both samples.csv, batches.csv (a line a batch: device, times, SHA-256) and batches/ with the bytes of each as its device
/// sealed them. Written beside its place and moved there when whole; every batch's hash is checked on the way.
/// </remarks>
internal static class ExportCommand
{
    private static readonly JsonParser s_parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithIndentation());

    public static Command Create()
    {
        Option<string?> user = new("--user") { Description = "Everything of this user" };
        Option<string?> device = new("--device") { Description = "The batches of this device: brand/device" };
        Option<string?> from = new("--from") { Description = "Of a device: batches with a sample from this instant on" };
        Option<string?> to = new("--to") { Description = "Of a device: batches with a sample before this instant" };
        Option<string?> file = new("--out") { Description = "The archive to write; default USER.zip or BRAND_DEVICE.zip here" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Command command = new("export", "Everything kept of a user, or the batches of a device as it sealed them, in one ZIP archive.") { user, device, from, to, file, json };
        CollectorClient.AddOptions(command);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(user) is null == parsed.GetValue(device) is null) parsed.AddError("Give either --user U or --device BRAND/DEVICE.");
        });
        command.SetAction((parsed, cancellation) => CollectorClient.RunAsync(parsed, async collector =>
        {
            (string? key, string? name) = (parsed.GetValue(user), parsed.GetValue(device));
            Dictionary<string, object> request = [];
            if (key is not null) request["user"] = key;
            if (name is not null) (request["brand"], request["device"]) = DeviceName.Parse(name);
            if (parsed.GetValue(from) is { } first) request["fromUnixMs"] = Instant.Parse("--from", first);
            if (parsed.GetValue(to) is { } end) request["toUnixMs"] = Instant.Parse("--to", end);
            string path = parsed.GetValue(file) ?? $"{key ?? name!.Replace('/', '_')}.zip";
            Archive archive = await WriteAsync(collector, request, path, cancellation);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(
                    new { user = key, device = name, file = path, archive.Devices, archive.Segments, archive.Samples, archive.Batches, archive.DeadLetters, archive.SharedBatches, archive.BatchBytes },
                    JsonSerializerOptions.Web));
                return ExitCode.Done;
            }

            Console.Out.WriteLine(
                $"{path}: {archive.Devices} device(s), {archive.Batches:n0} batches ({archive.BatchBytes:n0} bytes), {archive.Samples:n0} samples, {archive.Segments:n0} segments, {archive.DeadLetters:n0} dead letters");
            if (archive.SharedBatches > 0) Console.Out.WriteLine($"{archive.SharedBatches} batch(es) hold rows of someone else too, because the device changed hands: their samples are in samples.csv, their bytes are left out.");
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static async Task<Archive> WriteAsync(CollectorClient collector, Dictionary<string, object> request, string path, CancellationToken cancellation)
    {
        string unfinished = path + ".part";
        FileStream file = Create(unfinished);
        try
        {
            Archive archive;
            await using (file)
            {
                using ZipArchive zip = new(file, ZipArchiveMode.Create);
                archive = new Archive(zip);
                await using Stream items = await collector.PostStreamAsync("v1/rights/Export", request, "application/x-ndjson", cancellation);
                await archive.AddItemsAsync(items, cancellation);
                await using Stream samples = await collector.PostStreamAsync("v1/query/Samples", request, "text/csv", cancellation);
                await archive.AddSamplesAsync(samples, cancellation);
            }

            File.Move(unfinished, path, overwrite: true);
            return archive;
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static FileStream Create(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--out '{path}' cannot be written: {fault.Message}");
        }
    }

    /// <summary>The archive as it grows, and what went into it.</summary>
    private sealed class Archive(ZipArchive zip)
    {
        private readonly StringWriter _manifest = new(CultureInfo.InvariantCulture);
        private readonly HashSet<(string Brand, string Device)> _devices = [];

        public int Devices => _devices.Count;

        public long Segments { get; private set; }

        public long Samples { get; private set; }

        public long Batches { get; private set; }

        public long DeadLetters { get; private set; }

        public long SharedBatches { get; private set; }

        public long BatchBytes { get; private set; }

        public async Task AddItemsAsync(Stream lines, CancellationToken cancellation)
        {
            using StreamReader reader = new(lines);
            SegmentList segments = new();
            AnswerList answers = new();
            bool isOfUser = false;
            _manifest.Write("file,brand,device,epoch,seq,received_unix_ms,first_unix_ms,last_unix_ms,dead_letter,sha256\n");
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                ExportItem item = s_parser.Parse<ExportItem>(line);
                if (item.User is { } user) isOfUser = AddUser(user);
                else if (item.Segment is { } segment) segments.Segments.Add(segment);
                else if (item.Answer is { } answer) answers.Answers.Add(answer);
                else if (item.Batch is { } batch) AddBatch(batch);
            }

            Segments = segments.Segments.Count;
            if (isOfUser)
            {
                AddText("segments.json", s_formatter.Format(segments));
                AddText("answers.json", s_formatter.Format(answers));
            }

            AddText("batches.csv", _manifest.ToString());
        }

        public async Task AddSamplesAsync(Stream csv, CancellationToken cancellation)
        {
            using StreamReader reader = new(csv);
            await using StreamWriter output = new(zip.CreateEntry("samples.csv").Open());
            long lines = 0;
            for (; await reader.ReadLineAsync(cancellation) is { } line; lines++) await output.WriteAsync(line + "\n");
            Samples = lines - 1; // the header
        }

        private bool AddUser(User user)
        {
            _devices.UnionWith(user.Bindings.Select(binding => (binding.Brand, binding.Device)));
            AddText("user.json", s_formatter.Format(user));
            return true;
        }

        private void AddBatch(ExportedBatch batch)
        {
            _devices.Add((batch.Brand, batch.Device));
            bool isDead = batch.DeadLetter.Length > 0;
            string name = batch.Shared ? "" : $"batches/{batch.Brand}_{batch.Device}/{Batches + DeadLetters + 1:d7}{(isDead ? ".dead" : ".batch")}";
            _manifest.Write(string.Create(CultureInfo.InvariantCulture,
                $"{name},{batch.Brand},{batch.Device},{batch.Epoch:x8},{batch.Seq},{batch.ReceivedUnixMs},{batch.FirstUnixMs},{batch.LastUnixMs},{batch.DeadLetter},{Convert.ToHexStringLower(batch.Sha256.Span)}\n"));
            if (batch.Shared)
            {
                SharedBatches++;
                return;
            }

            if (!SHA256.HashData(batch.Bytes.Span).AsSpan().SequenceEqual(batch.Sha256.Span))
            {
                throw new CommandException($"Batch {batch.Seq} of {batch.Brand}/{batch.Device} does not have the hash the collector gave: it was damaged on the way. Export again.", ExitCode.NotSo);
            }

            if (isDead) DeadLetters++;
            else Batches++;
            BatchBytes += batch.Bytes.Length;
            using Stream entry = zip.CreateEntry(name).Open();
            batch.Bytes.WriteTo(entry);
        }

        private void AddText(string name, string text)
        {
            using StreamWriter writer = new(zip.CreateEntry(name).Open());
            writer.Write(text);
        }
    }
}
