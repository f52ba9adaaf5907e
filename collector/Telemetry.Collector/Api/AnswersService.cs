using Telemetry.Ingest;
using Telemetry.Insights;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>telemetry.v1.Answers: what people say is kept by the answer book; what devices ask goes out with their next Command.</summary>
/// <remarks>A question is asked until another takes its place, or the collector starts again.</remarks>
internal sealed class AnswersService(AnswerBook book, IngestService ingest, TimeProvider time)
{
    public SaidAnswer Say(SayRequest request) => book.Say(request);

    public AnswerList List(AnswersRequest request) => book.List(request);

    public AskedQuestion Ask(AskRequest request)
    {
        (uint device, Question question) = book.Ask(request, time.GetUtcNow().ToUnixTimeMilliseconds());
        ingest.ChangeOrders(device, command => command.Question = question);
        return new AskedQuestion { Id = question.Id, Text = question.Text, Answers = { question.Answers } };
    }
}
