using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Simulator.Blocks;
using Telemetry.Wire;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry block pack|unpack|inspect</c>: any CSV to packed blocks and back, and what each part costs.</summary>
internal static class BlockCommand
{
    private const int DefaultRows = 600;
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create() => new("block", "Packed blocks: the unit that travels and is stored.") { CreatePack(), CreateUnpack(), CreateInspect() };

    private static Command CreatePack()
    {
        Argument<string> input = new("IN.csv") { Description = "Header, column 1 = time in s or ms, the others signals; .gz is unpacked" };
        Option<int> rows = new("--rows") { Description = $"Rows a block, 1-{WireLimits.MaxBlockRows}", DefaultValueFactory = _ => DefaultRows };
        Option<string> output = new("--out") { Description = "The file of blocks to write", Required = true };
        Option<bool> json = JsonOption();
        Command pack = new("pack", "Pack a CSV.") { input, rows, output, json };
        pack.SetAction(parsed => Guarded(() => Pack(parsed.GetValue(input)!, parsed.GetValue(rows), parsed.GetValue(output)!, parsed.GetValue(json))));
        return pack;
    }

    private static Command CreateUnpack()
    {
        Argument<string> input = new("FILE") { Description = "A file of blocks" };
        Option<string> output = new("--out") { Description = "The CSV to write", Required = true };
        Option<bool> json = JsonOption();
        Command unpack = new("unpack", "Write the CSV a file of blocks was made from.") { input, output, json };
        unpack.SetAction(parsed => Guarded(() => Unpack(parsed.GetValue(input)!, parsed.GetValue(output)!, parsed.GetValue(json))));
        return unpack;
    }

    private static Command CreateInspect()
    {
        Argument<string> input = new("FILE") { Description = "A file of blocks" };
        Option<bool> json = JsonOption();
        Command inspect = new("inspect", "Show what each part of a file of blocks costs.") { input, json };
        inspect.SetAction(parsed => Guarded(() => Inspect(parsed.GetValue(input)!, parsed.GetValue(json))));
        return inspect;
    }

    private static Option<bool> JsonOption() => new("--json") { Description = "One JSON object on standard output" };

    private static int Guarded(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCode.BadInput;
        }
    }

    private static int Pack(string input, int rows, string output, bool asJson)
    {
        if (rows is < 1 or > WireLimits.MaxBlockRows)
        {
            Console.Error.WriteLine($"--rows is {rows}; 1-{WireLimits.MaxBlockRows} is expected.");
            return ExitCode.BadInput;
        }

        CsvSeries series = CsvSeries.Read(input);
        using (FileStream file = File.Create(output)) BlockFile.Pack(series, rows, file);
        Report(Measure(output), asJson);
        return ExitCode.Done;
    }

    private static int Unpack(string input, string output, bool asJson)
    {
        using (FileStream file = File.OpenRead(input))
        using (StreamWriter text = new(output)) BlockFile.Unpack(file, text);
        if (asJson) Report(Measure(input), asJson);
        return ExitCode.Done;
    }

    private static int Inspect(string input, bool asJson)
    {
        Report(Measure(input), asJson);
        return ExitCode.Done;
    }

    private static BlockCosts Measure(string path)
    {
        using FileStream file = File.OpenRead(path);
        BlockCosts costs = new();
        BlockFileHeader header = BlockFile.ReadBlocks(file, (front, block) =>
        {
            RefusalReason reason = BlockLayout.Read(block, out BlockLayout? layout);
            if (layout is null) throw new InvalidDataException($"A block of the file is damaged ({reason}).");
            costs.Add(front, layout);
        });
        costs.Finish(header, file.Length);
        return costs;
    }

    private static void Report(BlockCosts costs, bool asJson)
    {
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                costs.Samples,
                costs.Bytes,
                costs.BytesPerSample,
                costs.Blocks,
                costs.Rows,
                costs.FrameBytes,
                costs.HeaderBytes,
                costs.TimelineBytes,
                columns = costs.Columns.Select(column => new { column.Name, column.Kind, column.Samples, column.Bytes, column.BytesPerSample }),
            }, s_json));
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumns("part", "kind", "samples", "bytes", "B/sample");
        foreach (int column in (int[])[2, 3, 4]) table.Columns[column].RightAligned();
        table.AddRow("file and block frames", "", "", Text(costs.FrameBytes), "");
        table.AddRow("block headers", "", "", Text(costs.HeaderBytes), "");
        table.AddRow("irregular times", "", "", Text(costs.TimelineBytes), "");
        foreach (BlockCosts.Column column in costs.Columns)
            table.AddRow(Markup.Escape(column.Name), column.Kind, Text(column.Samples), Text(column.Bytes), Text(column.BytesPerSample));
        table.AddRow("all", "", Text(costs.Samples), Text(costs.Bytes), Text(costs.BytesPerSample));
        AnsiConsole.Write(table);
        Console.WriteLine($"{costs.Rows} rows in {costs.Blocks} blocks");
    }

    private static string Text(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Text(double number) => number.ToString("F4", CultureInfo.InvariantCulture);
}
