using Telemetry.Collector.Devices;
using Telemetry.Insights;
using Telemetry.Registry;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>Every unary method of the contract that the collector answers, and the room that does the work.</summary>
internal static class ApiTable
{
    private const string Registry = "telemetry.v1.Registry";
    private const string Query = "telemetry.v1.Query";
    private const string DeadLetters = "telemetry.v1.DeadLetters";
    private const string Missing = "telemetry.v1.Missing";
    private const string Rights = "telemetry.v1.Rights";
    private const string Answers = "telemetry.v1.Answers";

    public static IReadOnlyList<ApiMethod> Of(Rooms rooms)
    {
        RegistryService registry = new(rooms.Registry);
        DeadLetterService letters = new(rooms.Ingest, rooms.Registry);
        AnswerBook answers = rooms.Insights.Answers;
        return
        [
            ApiMethod.Unary<Brand, Brand>(Registry, "PutBrand", registry.PutBrand),
            ApiMethod.Unary<ListRequest, BrandList>(Registry, "ListBrands", registry.ListBrands),
            ApiMethod.Unary<PutModelRequest, Model>(Registry, "PutModel", registry.PutModel),
            ApiMethod.Unary<ListRequest, ModelList>(Registry, "ListModels", registry.ListModels),
            ApiMethod.Unary<AddDeviceRequest, DeviceCredentials>(Registry, "AddDevice", registry.AddDevice),
            ApiMethod.Unary<ListRequest, DeviceList>(Registry, "ListDevices", registry.ListDevices),
            ApiMethod.Unary<AddUserRequest, User>(Registry, "AddUser", registry.AddUser),
            ApiMethod.Unary<ListRequest, UserList>(Registry, "ListUsers", registry.ListUsers),
            ApiMethod.Unary<Binding, Binding>(Registry, "BindDevice", registry.BindDevice),
            ApiMethod.Unary<Consent, Consent>(Registry, "SetConsent", registry.SetConsent),
            ApiMethod.Unary<OrderRequest, StandingOrders>(Registry, "PutOrders", registry.PutOrders),
            ApiMethod.Unary<OrdersRequest, StandingOrders>(Registry, "ListOrders", registry.ListOrders),
            ApiMethod.Unary<SamplesRequest, SampleCountList>(Query, "SampleCounts", rooms.Samples.Count),
            ApiMethod.Unary<ScenariosRequest, SegmentList>(Query, "Scenarios", rooms.Insights.Scenarios),
            ApiMethod.Unary<ExplainRequest, Explanation>(Query, "Explain", rooms.Insights.Explain),
            ApiMethod.Unary<ShadowRequest, ShadowReport>(Query, "Shadow", rooms.Insights.Shadow),
            ApiMethod.Unary<ReleaseRequest, ReleaseTable>(Query, "Release", rooms.Release),
            ApiMethod.Unary<SayRequest, SaidAnswer>(Answers, "Say", answers.Say),
            ApiMethod.Unary<AnswersRequest, AnswerList>(Answers, "List", answers.List),
            ApiMethod.Unary<AskRequest, AskedQuestion>(Answers, "Ask", request => answers.Ask(request, rooms.Time.GetUtcNow().ToUnixTimeMilliseconds())),
            ApiMethod.Unary<CheckDeviceRequest, DeviceReport>(Query, "CheckDevice", new DeviceCheck(rooms.Log, rooms.Registry, rooms.Ingest).Check),
            ApiMethod.Unary<DeadLettersRequest, DeadLetterList>(DeadLetters, "List", letters.List),
            ApiMethod.Unary<DeadLettersRequest, DeadLetterReplay>(DeadLetters, "Replay", letters.ReplayAsync),
            ApiMethod.Unary<MissingRequest, MissingList>(Missing, "List", new MissingService(rooms.Ingest, rooms.Registry).List),
            ApiMethod.Unary<EraseRequest, ErasureReceipt>(Rights, "Erase", rooms.Erasures.EraseAsync),
        ];
    }
}
