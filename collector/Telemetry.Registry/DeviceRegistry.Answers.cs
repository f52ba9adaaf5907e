using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace Telemetry.Registry;

// What users say about their own time: the truth about it, which no sample and no model can take back.
public sealed partial class DeviceRegistry
{
    /// <summary>Most questions and answers that are kept of one user.</summary>
    public const int MostAnswers = 4096;

    /// <summary>Longest stretch that one answer is about, minutes.</summary>
    public const int MostAnswerMinutes = 1440;

    private const int MostChoices = 4; // of a device's question (proto/telemetry/v1/commands.proto)
    private const int MostNameChars = 64;
    private const int Unanswered = -1;
    private const string QuestionColumns = "question_id, user, device_key, from_minute, to_minute, choices, suggested, model, choice, said_unix_ms, (SELECT utc_offset_minutes FROM users WHERE users.user = questions.user)";

    private long _answersVersion;

    /// <summary>Grows with every answer of anyone.</summary>
    public long AnswersVersion => Volatile.Read(ref _answersVersion);

    /// <summary>Notes a question, and has its device ask it until it is answered, another takes its place, or the device goes to somebody else; <see cref="AnswerQuestion"/> takes the answer.</summary>
    /// <param name="question">With the device that asks.</param>
    /// <param name="answerSignal">The event signal of the device that carries the answer.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="RegistryException">NotFound: no such user. Invalid: the stretch or the choices break their rules, or the user has <see cref="MostAnswers"/>.</exception>
    public long Ask(UserQuestion question, int answerSignal)
    {
        long id;
        lock (_changing)
        {
            CheckQuestion(question);
            DeviceRecord device = _devices.Find(question.DeviceKey)!;
            DeviceOrders orders = (device.Orders ?? DeviceOrders.None) with { ConfirmedUnixMs = 0 };
            id = Change(() =>
            {
                long inserted = InsertQuestion(question, Unanswered, 0, 0);
                orders = orders with { Question = new OpenQuestion(inserted, question, answerSignal, _clock.GetUtcNow().ToUnixTimeMilliseconds()) };
                SaveOrders(device.DeviceKey, orders);
                return inserted;
            });
            ShowOrders(device, orders);
        }

        Tell(RegistryChangeKind.Orders, question.DeviceKey);
        return id;
    }

    /// <summary>Notes what a user said unasked.</summary>
    /// <param name="question">What it is about; the first choice is what was said.</param>
    /// <exception cref="RegistryException">As <see cref="Ask"/>.</exception>
    public UserAnswer Say(UserQuestion question)
    {
        UserAnswer answer;
        lock (_changing)
        {
            CheckQuestion(question);
            long said = _clock.GetUtcNow().ToUnixTimeMilliseconds(), version = _answersVersion + 1;
            long id = Change(() => InsertQuestion(question, 0, said, version));
            answer = new UserAnswer(id, question, 0, said);
            Show(answer, version);
        }

        Tell(RegistryChangeKind.Answer, question.DeviceKey, question.User);
        return answer;
    }

    /// <summary>
    /// Takes what a user pressed on a device: it answers the question that the device had asked last by then. Of two answers to one question the
    /// later counts, whichever arrives first; the same again changes nothing.
    /// </summary>
    /// <param name="deviceKey">The device.</param>
    /// <param name="choice">Number of the choice; one that the question does not have says nothing.</param>
    /// <param name="unixMs">When it was pressed.</param>
    /// <returns>False when it answers nothing, or nothing new.</returns>
    public bool AnswerQuestion(uint deviceKey, int choice, long unixMs)
    {
        UserKey user;
        bool wasOpen;
        lock (_changing)
        {
            if (FindAsked(deviceKey, unixMs) is not { } asked || choice < 0 || choice >= asked.Question.Choices.Length) return false;
            user = asked.Question.User;
            if (UserAt(deviceKey, unixMs) != user || (asked.SaidUnixMs, asked.Choice).CompareTo((unixMs, choice)) >= 0) return false;
            long version = _answersVersion + 1;
            DeviceRecord device = _devices.Find(deviceKey)!;
            wasOpen = device.Orders?.Question?.Id == asked.QuestionId;
            DeviceOrders? orders = wasOpen ? device.Orders! with { Question = null } : device.Orders;
            Change(() =>
            {
                if (wasOpen) SaveOrders(deviceKey, orders!);
                return Run("UPDATE questions SET choice = ?2, said_unix_ms = ?3, changed = ?4 WHERE question_id = ?1", asked.QuestionId, (long)choice, unixMs, version);
            });
            Show(asked with { Choice = choice, SaidUnixMs = unixMs }, version);
            if (wasOpen) ShowOrders(device, orders);
        }

        Tell(RegistryChangeKind.Answer, deviceKey, user);
        if (wasOpen) Tell(RegistryChangeKind.Orders, deviceKey);
        return true;
    }

    /// <summary>The users who answered behind a version, each with the first minute spoken of.</summary>
    public IReadOnlyList<(UserKey User, int FromMinute)> AnsweredSince(long version)
    {
        lock (_changing)
        {
            return Select("SELECT user, min(from_minute) FROM questions WHERE changed > ?1 GROUP BY user", row => (UserKey.Parse(row.GetString(0)), row.GetInt32(1)), version);
        }
    }

    private void CheckQuestion(UserQuestion question)
    {
        User(question.User);
        int minutes = question.ToMinute - question.FromMinute;
        if (question.FromMinute < 0 || minutes is < 1 or > MostAnswerMinutes)
            throw new RegistryException(RegistryError.Invalid, $"The stretch has {minutes} minutes; 1 to {MostAnswerMinutes} are expected. Say longer ones in parts.");
        if (question.Choices.Length is < 1 or > MostChoices) throw new RegistryException(RegistryError.Invalid, $"{question.Choices.Length} choices were given; 1 to {MostChoices} are expected.");
        foreach (AnswerChoice choice in question.Choices)
        {
            if (choice.Scenario.Length is < 1 or > MostNameChars || choice.Scenario.Contains(',', StringComparison.Ordinal))
                throw new RegistryException(RegistryError.Invalid, $"A scenario's name has 1 to {MostNameChars} characters and no comma.");
        }

        long kept = Select("SELECT count(*) FROM questions WHERE user = ?1", row => row.GetInt64(0), question.User.Text)[0];
        if (kept >= MostAnswers) throw new RegistryException(RegistryError.Invalid, $"The user has {kept} questions and answers already, which is the most that are kept.");
    }

    private long InsertQuestion(UserQuestion question, int choice, long saidUnixMs, long changed) => Select(
        "INSERT INTO questions(user, device_key, from_minute, to_minute, choices, suggested, model, asked_unix_ms, choice, said_unix_ms, changed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING question_id",
        row => row.GetInt64(0),
        question.User.Text, (long)question.DeviceKey, (long)question.FromMinute, (long)question.ToMinute, string.Join(',', question.Choices), question.Suggested, question.ModelVersion,
        _clock.GetUtcNow().ToUnixTimeMilliseconds(), (long)choice, saidUnixMs, changed)[0];

    private UserAnswer? FindAsked(uint deviceKey, long unixMs) => Select(
        $"SELECT {QuestionColumns} FROM questions WHERE device_key = ?1 AND asked_unix_ms <= ?2 ORDER BY asked_unix_ms DESC, question_id DESC LIMIT 1",
        ReadQuestion, (long)deviceKey, unixMs).FirstOrDefault();

    private void LoadAnswers()
    {
        foreach (IGrouping<UserKey, UserAnswer> answers in Select($"SELECT {QuestionColumns} FROM questions WHERE choice >= 0", ReadQuestion).GroupBy(answer => answer.Question.User))
            _users[answers.Key] = _users[answers.Key] with { Answers = InOrder(answers) };
        _answersVersion = Select("SELECT coalesce(max(changed), 0) FROM questions", row => row.GetInt64(0))[0];
    }

    private void Show(UserAnswer answer, long version)
    {
        UserRecord user = _users[answer.Question.User];
        _users[user.User] = user with { Answers = InOrder(user.Answers.Where(other => other.QuestionId != answer.QuestionId).Append(answer)) };
        Volatile.Write(ref _answersVersion, version);
    }

    private static ImmutableArray<UserAnswer> InOrder(IEnumerable<UserAnswer> answers) => [.. answers.OrderBy(answer => answer.SaidUnixMs).ThenBy(answer => answer.QuestionId)];

    private static UserAnswer ReadQuestion(SqliteDataReader row)
    {
        UserQuestion question = new(
            UserKey.Parse(row.GetString(1)), (uint)row.GetInt64(2), row.GetInt32(3), row.GetInt32(4), [.. row.GetString(5).Split(',').Select(AnswerChoice.Parse)], row.GetString(6), row.GetString(7)) { UtcOffsetMinutes = row.GetInt32(10) };
        return new UserAnswer(row.GetInt64(0), question, row.GetInt32(8), row.GetInt64(9));
    }
}
