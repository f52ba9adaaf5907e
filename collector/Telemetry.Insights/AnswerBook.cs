using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;
using Answer = Telemetry.Scenarios.Answers.Answer;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Insights;

/// <summary>telemetry.v1.Answers: takes what people say about their own time, with what it had been named until then.</summary>
/// <remarks>Thread-safe. The registry keeps the answers, flushed before they are confirmed; the derivation follows them (Telemetry.Collector/Derivation).</remarks>
public sealed class AnswerBook(InsightsStore store, DeviceRegistry registry, BoundModel model)
{
    private const int MostChoices = 4; // of Command.question

    /// <summary>Everything a user said, as a model reads it.</summary>
    public static PersonalAnswers Read(UserRecord user, BoundModel model) =>
        new(model, [.. user.Answers.Select(answer => new Answer(
            answer.Question.FromMinute, answer.Question.ToMinute, answer.Said.Scenario, answer.Said.Holds, answer.Question.Suggested, answer.Question.ModelVersion))]);

    /// <summary>Answers.Say.</summary>
    /// <exception cref="RegistryException">NotFound: no such user. Invalid: the stretch, or a scenario that the model does not know.</exception>
    public SaidAnswer Say(SayRequest request)
    {
        UserQuestion question = About(UserKey.Parse(request.User), 0, request.FromUnixMs, request.ToUnixMs) with { Choices = [new AnswerChoice(Known(request.Scenario), !request.Refused)] };
        return ToMessage(registry.Say(question));
    }

    /// <summary>Answers.List.</summary>
    /// <exception cref="RegistryException">NotFound: no such user.</exception>
    public AnswerList List(AnswersRequest request) => new() { Answers = { User(UserKey.Parse(request.User)).Answers.Select(ToMessage) } };

    /// <summary>Answers.Ask: notes the question and has the device ask it.</summary>
    /// <exception cref="RegistryException">NotFound: no such device. Invalid: nobody has it, it cannot answer, or there is nothing to ask about.</exception>
    public AskedQuestion Ask(AskRequest request, long nowUnixMs)
    {
        DeviceRecord device = registry.FindDevice(request.Brand, request.Device) ?? throw new RegistryException(RegistryError.NotFound, $"There is no device {request.Brand}/{request.Device}.");
        UserKey user = device.UserAt(nowUnixMs);
        if (user.IsEmpty) throw new RegistryException(RegistryError.Invalid, "Nobody has the device now; bind it to a user first.");
        SignalDefinition signal = AnswerSignalOf(device.Description)
            ?? throw new RegistryException(RegistryError.Invalid, $"Model {device.Description.Model} has no event signal \"{ProfileAnswers.Key}\" that could carry an answer.");

        UserQuestion question = About(user, device.DeviceKey, request.FromUnixMs, request.ToUnixMs);
        bool isYesOrNo = request.Scenarios.Count == 0;
        if (isYesOrNo && (question.Suggested.Length == 0 || ScenarioNames.ClaimsNothing(question.Suggested)))
            throw new RegistryException(RegistryError.Invalid, "The stretch is not named yet, so there is nothing to say yes or no to; name scenarios to choose among.");
        if (request.Scenarios.Count > MostChoices) throw new RegistryException(RegistryError.Invalid, $"{request.Scenarios.Count} scenarios were given; at most {MostChoices} fit a question.");
        question = question with { Choices = isYesOrNo ? [new(question.Suggested, true), new(question.Suggested, false)] : [.. request.Scenarios.Select(name => new AnswerChoice(Known(name), true))] };
        return new AskedQuestion { Id = (uint)registry.Ask(question, signal.Id), Text = question.Text, Answers = { question.Labels } };
    }

    private UserQuestion About(UserKey user, uint deviceKey, long fromUnixMs, long toUnixMs)
    {
        int offset = User(user).UtcOffsetMinutes;
        if (fromUnixMs < 0 || toUnixMs <= fromUnixMs || toUnixMs > int.MaxValue * 60_000L)
            throw new RegistryException(RegistryError.Invalid, $"from {fromUnixMs}, to {toUnixMs}: a stretch in ms since 1970 is expected.");
        int from = (int)(fromUnixMs / 60_000), to = (int)((toUnixMs + 59_999) / 60_000);
        Segment? named = store.Segments(user, from, to).Select(stored => stored.Segment).MaxBy(segment => Math.Min(segment.EndMinute, to) - Math.Max(segment.StartMinute, from));
        return new UserQuestion(user, deviceKey, from, to, [], named?.Scenario ?? "", named?.ModelVersion ?? "") { UtcOffsetMinutes = offset };
    }

    private string Known(string scenario) => model.NumberOf(scenario) >= 0 ? scenario
        : throw new RegistryException(RegistryError.Invalid, $"Model {model.Model.Version} knows no such scenario; one of {string.Join(", ", model.Names)} is expected.");

    private SignalDefinition? AnswerSignalOf(DeviceDescription device) =>
        registry.Models(device.Brand).Where(version => version.Profile.Model == device.Model).OrderByDescending(version => version.Profile.Version)
            .Select(version => ProfileAnswers.Find(version.Profile)).FirstOrDefault(signal => signal is not null);

    private UserRecord User(UserKey user) => registry.FindUser(user) ?? throw new RegistryException(RegistryError.NotFound, "There is no such user.");

    private SaidAnswer ToMessage(UserAnswer answer) => new()
    {
        User = answer.Question.User.Text,
        FromUnixMs = answer.Question.FromMinute * 60_000L,
        ToUnixMs = answer.Question.ToMinute * 60_000L,
        Scenario = answer.Said.Scenario,
        Refused = !answer.Said.Holds,
        Suggested = answer.Question.Suggested,
        ModelVersion = answer.Question.ModelVersion,
        SaidUnixMs = answer.SaidUnixMs,
        Device = registry.FindDevice(answer.Question.DeviceKey) is { } device ? $"{device.Brand}/{device.Device}" : "",
    };
}
