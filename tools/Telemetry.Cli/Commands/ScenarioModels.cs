using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Training;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry scenarios train|evaluate</c>: models from labelled sets, and how good they are on people they have not seen.</summary>
internal static class ScenarioModels
{
    private const string Sources = "extrasensory, wisdm, fit, ordonez, kasteren, ordonez-rooms, kasteren-rooms, occupancy";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static Command Train()
    {
        Option<string> source = Source(), path = PathOf();
        Option<string> output = new("--out") { Description = "File for the model", Required = true };
        Option<string> version = new("--version-name") { Description = "Stands in every segment the model makes", DefaultValueFactory = _ => "trained-1" };
        Command train = new("train", "Make a model from a labelled set.") { source, path, output, version };
        train.SetAction((parsed, cancellation) => CollectorClient.GuardAsync(() => Task.Run(() =>
        {
            LabelledSet set = Read(parsed.GetValue(source)!, parsed.GetValue(path)!);
            ScenarioModel model = ModelTrainer.Train(set, parsed.GetValue(version)!, OptionsFor(set));
            byte[] json = ModelFile.Write(model);
            File.WriteAllBytes(parsed.GetValue(output)!, json);
            Console.WriteLine($"{parsed.GetValue(output)}: {json.Length:N0} bytes, {model.Trees.Count} trees over {model.Inputs.Count} inputs, from {set.People.Count} people.");
            return ExitCode.Done;
        }), cancellation));
        return train;
    }

    public static Command Evaluate()
    {
        Option<string> source = Source(), path = PathOf();
        Option<string?> modelFile = new("--model") { Description = "A ready model; default: with --split none the one that is shipped" };
        Option<string?> split = new("--split") { Description = "person or day: leave each out, train on the others, judge it. none: judge a ready model. Default: none with --model, otherwise what the set allows" };
        Option<int> threads = new("--threads") { Description = "Trainings at a time", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<int> answers = new("--answers") { Description = "Ask each person judged so often a day and say beside what that adds" };
        Option<bool> json = new("--json") { Description = "One JSON object on standard output" };
        Option<string?> page = new("--report") { Description = "File for a page with pictures, HTML" };
        Command evaluate = new("evaluate", "How good a model is on people it has not seen.") { source, path, modelFile, split, threads, answers, json, page };
        split.AcceptOnlyFromAmong("person", "day", "none");
        evaluate.SetAction((parsed, cancellation) => CollectorClient.GuardAsync(() => Task.Run(() =>
        {
            string name = parsed.GetValue(source)!;
            LabelledSet set = Read(name, parsed.GetValue(path)!);
            bool isReady = IsReady(set, parsed.GetValue(modelFile), parsed.GetValue(split));
            EvaluationReport report = Judge(set, parsed.GetValue(modelFile), parsed.GetValue(split), isReady, parsed.GetValue(threads), parsed.GetValue(answers));
            if (parsed.GetValue(page) is { } file) WritePage(file, set, isReady ? parsed.GetValue(modelFile) ?? $"the shipped model ({ModelFile.Default.Version})" : null, report);
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, s_json));
            else Write(report);
            return ExitCode.Done;
        }), cancellation));
        return evaluate;
    }

    private static bool IsReady(LabelledSet set, string? modelFile, string? split) => split == "none" || (split is null && (modelFile is not null || set.Name == "fit"));

    private static void WritePage(string file, LabelledSet set, string? model, EvaluationReport report)
    {
        try
        {
            File.WriteAllText(file, ReportPage.Write(SubjectOf(set, model), report));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--report: {fault.Message}");
        }
    }

    // WISDM is read in windows of 5 s; in homes and rooms a day is left out at a time.
    private static ReportSubject SubjectOf(LabelledSet set, string? model)
    {
        (string judged, string one) = set.Name switch { "extrasensory" or "wisdm" => ("people", "person"), "fit" => ("activities", "activity"), _ => ("days", "day") };
        string how = model is null ? $"Each {one} was left out once and named by a model trained on the others." : $"A ready model, judged as it is: {model}.";
        return new ReportSubject(set.Name, how, judged, set.Name == "wisdm" ? "windows of 5 s" : "minutes");
    }

    private static EvaluationReport Judge(LabelledSet set, string? modelFile, string? split, bool isReady, int threads, int answersPerDay)
    {
        try
        {
            if (answersPerDay is < 0 or > 100) throw new CommandException($"--answers is {answersPerDay}; 0 to 100 a day are expected.");
            if (isReady && answersPerDay > 0) throw new CommandException("--answers goes with models that are trained here (--split person or day).");
            if (isReady) return CrossValidation.Judge(modelFile is null ? ModelFile.Default : ModelFile.Read(File.ReadAllBytes(modelFile)), set);
            if (modelFile is not null) throw new CommandException($"--split {split} trains its own models; leave --model out, or judge it with --split none.");
            if (set.People.Count < 3) throw new CommandException($"The set has {set.People.Count} to leave out; at least 3 are needed. Judge a ready model with --split none.");
            if (split == "day" && set.Name is "extrasensory" or "wisdm") throw new CommandException($"{set.Name} is judged person by person; leave --split out.");
            return CrossValidation.LeaveOneOut(set, OptionsFor(set), threads, done => Console.Error.Write($"\r{done} of {set.People.Count} judged"), answersPerDay);
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new CommandException(fault.Message);
        }
        finally
        {
            if (!isReady) Console.Error.WriteLine();
        }
    }

    private static LabelledSet Read(string source, string path)
    {
        try
        {
            return source switch
            {
                "extrasensory" => ExtraSensoryReader.Read(path),
                "wisdm" => WisdmReader.Read(path),
                "kasteren" => HomeReader.ReadKasteren(path),
                "ordonez" => HomeReader.ReadOrdonez(path),
                "kasteren-rooms" => HomeRoomsReader.ReadKasteren(path),
                "ordonez-rooms" => HomeRoomsReader.ReadOrdonez(path),
                "occupancy" => OccupancyReader.Read(path),
                "fit" => FitLabels.Read(path),
                "fitabase" => throw new CommandException("The fitabase set says nothing about what people did minute by minute, so nothing can be judged against it; replay it and read 'scenarios list'."),
                _ => throw new CommandException($"--source '{source}' is not known; one of {Sources} is expected."),
            };
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException or FormatException)
        {
            throw new CommandException($"The {source} set at '{path}' cannot be read: {fault.Message}");
        }
    }

    private static TrainingOptions OptionsFor(LabelledSet set) => TrainingOptions.For(set.Name);

    private static void Write(EvaluationReport report)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("scenario");
        foreach (string column in new[] { "minutes", "precision", "recall", "F1" }) table.AddColumn(new TableColumn(column).RightAligned());
        foreach ((string name, ClassReport scores) in report.PerClass)
            table.AddRow(Markup.Escape(name), $"{scores.Minutes:N0}", $"{scores.Precision:F3}", $"{scores.Recall:F3}", $"{scores.F1:F3}");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"{report.People} judged, {report.Minutes:N0} labelled minutes. Macro-F1 {report.MacroF1Streaming:F3} at once, [bold]{report.MacroF1Lag5:F3}[/] after 5 minutes.");
        AnsiConsole.MarkupLineInterpolated($"Right minutes {report.AccuracyStreaming:F3} at once, {report.AccuracyLag5:F3} after 5; calibration error {report.Ece:F3} at once, {report.EceLag5:F3} after 5; surest half {report.AccuracyTopHalf:F3}.");
        AnsiConsole.MarkupLineInterpolated($"Boundaries within 5 min {report.BoundaryWithin5Min:P0}, median {report.BoundaryMedianMin:F0} min; segments {report.SegmentsRatio:F2} x true.");
        AnsiConsole.MarkupLineInterpolated($"Silent below {report.Abstention.AtLeast:F2}, it names {report.Abstention.Named:P0} of the minutes after 5, and {report.Abstention.Right:F3} of those are right.");
        if (report.WithAnswers is { } with)
            AnsiConsole.MarkupLineInterpolated($"Asked {with.AnswersPerDay} times a day: macro-F1 {with.MacroF1Streaming:F3} at once, [bold]{with.MacroF1Lag5:F3}[/] after 5 minutes, on the other minutes.");
    }

    private static Option<string> Source() => new("--source") { Description = $"One of {Sources}", Required = true };

    private static Option<string> PathOf() => new("--path") { Description = "Folder of the set", Required = true };
}
