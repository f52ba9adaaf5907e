using System.CommandLine;
using Google.Protobuf;
using Spectre.Console;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;
using DeviceMessage = Telemetry.Wire.V1.Device;

namespace Telemetry.Cli.Commands;

/// <summary><c>telemetry brand|model|device|user|consent ...</c>: registry work against a running collector or a data folder.</summary>
internal static class RegistryCommands
{
    private static readonly Option<bool> s_json = new("--json") { Description = "The answer as JSON on standard output, in the mapping of registry.proto" };
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    public static IEnumerable<Command> Create() => [Brand(), Model(), Device(), User(), Consent()];

    private static Command Brand()
    {
        Argument<string> id = new("ID") { Description = "a-z, 0-9 and '-', at most 32" };
        Option<string> name = new("--name") { Description = "Name for people; default the id", DefaultValueFactory = _ => "" };
        return new Command("brand", "Brands of devices.")
        {
            Call("add", "Add a brand, or rename it.", [id, name], "PutBrand",
                parsed => new Brand { Id = parsed.GetValue(id)!, Name = parsed.GetValue(name)! }, (Brand brand) => Rows(["brand", "name"], [[brand.Id, brand.Name]])),
            List<BrandList, Brand>("ListBrands", "List the brands.", [],
                list => [.. list.Brands], page => new BrandList { Brands = { page } }, brand => brand.Id, ["brand", "name"], brand => [brand.Id, brand.Name]),
        };
    }

    private static Command Model()
    {
        Argument<string> brand = new("BRAND") { Description = "An existing brand" };
        Argument<string> file = new("FILE") { Description = "The model's profile, JSON" };
        string[] columns = ["brand", "model", "version", "profile hash"];
        string[] Cells(Model model) => [model.Brand, model.Id, $"{model.Version}", $"{model.Profile:x8}"];
        return new Command("model", "Models of a brand and their profiles.")
        {
            Call("add", "Add a version of a model.", [brand, file], "PutModel",
                parsed => new PutModelRequest { Brand = parsed.GetValue(brand)!, ProfileJson = ReadText(parsed.GetValue(file)!) }, (Model model) => Rows(columns, [Cells(model)])),
            List<ModelList, Model>("ListModels", "List the models.", [],
                list => [.. list.Models], page => new ModelList { Models = { page } }, model => $"{model.Brand}/{model.Id}/{model.Version:d10}", columns, Cells),
        };
    }

    private static Command Device()
    {
        Argument<string> device = new("BRAND/DEVICE") { Description = "An id of your choice after the brand; only BRAND = one is drawn" };
        Argument<string> bound = new("BRAND/DEVICE") { Description = "The device" };
        Option<string> model = new("--model") { Description = "A model of the brand", Required = true };
        Option<bool> hub = new("--hub") { Description = "It may relay batches of its brand's other devices" };
        Option<string> user = new("--user") { Description = "The user", Required = true };
        Option<string?> from = new("--from") { Description = "Inclusive; default now" };
        Option<string?> to = new("--to") { Description = "Exclusive; default open" };
        return new Command("device", "Devices: credentials, who has them, what they are told, and whether their firmware does right.")
        {
            DeviceCheckCommand.Create(),
            OrderCommands.Order(),
            OrderCommands.Orders(),
            Call("add", "Add a device. Its secret is shown only here, once.", [device, model, hub], "AddDevice",
                parsed =>
                {
                    string[] parts = parsed.GetValue(device)!.Split('/', 2);
                    return new AddDeviceRequest { Brand = parts[0], Device = parts.Length > 1 ? parts[1] : "", Model = parsed.GetValue(model)!, Hub = parsed.GetValue(hub) };
                },
                (DeviceCredentials added) => Rows(["username", "secret (shown once)", "key"], [[added.Username, added.Secret, $"{added.Device.Key}"]])),
            List<DeviceList, DeviceMessage>("ListDevices", "List the devices.", [],
                list => [.. list.Devices], page => new DeviceList { Devices = { page } }, one => $"{one.Brand}/{one.Device_}",
                ["device", "model", "key", "user now", "hub"], one => [$"{one.Brand}/{one.Device_}", one.Model, $"{one.Key}", one.User, one.Hub ? "hub" : ""]),
            Call("bind", "Bind a device to a user for a time; the same user and --from again with --to ends it.", [bound, user, from, to], "BindDevice",
                parsed =>
                {
                    string[] parts = parsed.GetValue(bound)!.Split('/', 2);
                    if (parts.Length != 2) throw new CommandException($"'{parsed.GetValue(bound)}' is no device; BRAND/DEVICE is expected, e.g. acme/band-1.");
                    return new Binding
                    {
                        Brand = parts[0], Device = parts[1], User = parsed.GetValue(user)!, FromUnixMs = InstantOrNow("--from", parsed.GetValue(from)), ToUnixMs = Instant.Parse("--to", parsed.GetValue(to)),
                    };
                },
                (Binding binding) => Rows(["device", "user", "from", "to"], [[$"{binding.Brand}/{binding.Device}", binding.User, Time(binding.FromUnixMs), binding.ToUnixMs == 0 ? "open" : Time(binding.ToUnixMs)]])),
        };
    }

    private static Command User()
    {
        Argument<string> key = new("USER") { Description = "Its key; none = a random one is drawn", DefaultValueFactory = _ => "" };
        Option<int> offset = new("--utc-offset") { Description = "Minutes of local time before UTC, -840..840" };
        string[] columns = ["user", "utc offset", "bindings", "consent"];
        string[] Cells(User user) => [user.User_, $"{user.UtcOffsetMinutes}", string.Join(", ", user.Bindings.Select(one => $"{one.Brand}/{one.Device}")), string.Join(", ", user.Consents.Select(Says))];
        return new Command("user", "Users: random names of people.")
        {
            Call("add", "Add a user.", [key, offset], "AddUser",
                parsed => new AddUserRequest { User = parsed.GetValue(key)!, UtcOffsetMinutes = parsed.GetValue(offset) }, (User user) => Rows(columns, [Cells(user)])),
            List<UserList, User>("ListUsers", "List the users.", [],
                list => [.. list.Users], page => new UserList { Users = { page } }, one => one.User_, columns, Cells),
        };
    }

    private static Command Consent()
    {
        Command Say(string name, string description, bool isGranted)
        {
            Option<string> user = new("--user") { Description = "Who says it", Required = true };
            Option<string> purpose = new("--purpose") { Description = "insights, partner or triggers", Required = true };
            purpose.AcceptOnlyFromAmong("insights", "partner", "triggers");
            Option<string> recipient = new("--recipient") { Description = "The brand, for partner", DefaultValueFactory = _ => "" };
            Option<string?> from = new("--from") { Description = "For samples from this time on; default now; 0 = all" };
            return Call(name, description, [user, purpose, recipient, from], "SetConsent",
                parsed => new Consent
                {
                    User = parsed.GetValue(user)!, Purpose = Enum.Parse<Purpose>(parsed.GetValue(purpose)!, ignoreCase: true), Recipient = parsed.GetValue(recipient)!,
                    Granted = isGranted, FromUnixMs = InstantOrNow("--from", parsed.GetValue(from)),
                },
                (Consent consent) => Rows(["user", "consent"], [[consent.User, Says(consent)]]));
        }

        return new Command("consent", "What users agreed to.")
        {
            Say("grant", "Record that a user consents.", true),
            Say("withdraw", "Record that a user no longer consents.", false),
        };
    }

    private static Command Call<TResponse>(string name, string description, Symbol[] symbols, string method, Func<ParseResult, IMessage> request, Action<TResponse> show)
        where TResponse : IMessage<TResponse>, new()
    {
        Command command = Named(name, description, symbols);
        command.SetAction((parsed, cancellation) => RegistryTarget.RunAsync(parsed, async target =>
        {
            TResponse answer = await target.CallAsync<TResponse>(method, request(parsed), cancellation);
            if (parsed.GetValue(s_json)) Console.WriteLine(s_formatter.Format(answer));
            else show(answer);
        }, cancellation));
        return command;
    }

    private static Command List<TPage, TItem>(
        string method, string description, Symbol[] symbols, Func<TPage, IReadOnlyList<TItem>> items, Func<IReadOnlyList<TItem>, TPage> join, Func<TItem, string> id, string[] columns, Func<TItem, string[]> cells)
        where TPage : IMessage<TPage>, new()
    {
        const uint PageSize = 5000;
        Command command = Named("list", description, symbols);
        Option<string> brand = new("--brand") { Description = "Only this brand's", DefaultValueFactory = _ => "" };
        if (method is "ListModels" or "ListDevices") command.Options.Add(brand);
        command.SetAction((parsed, cancellation) => RegistryTarget.RunAsync(parsed, async target =>
        {
            List<TItem> all = [];
            ListRequest request = new() { Limit = PageSize, Brand = command.Options.Contains(brand) ? parsed.GetValue(brand)! : "" };
            IReadOnlyList<TItem> page;
            do
            {
                page = items(await target.CallAsync<TPage>(method, request, cancellation));
                all.AddRange(page);
                if (page.Count > 0) request.After = id(page[^1]);
            }
            while (page.Count == PageSize);
            if (parsed.GetValue(s_json)) Console.WriteLine(s_formatter.Format(join(all)));
            else Rows(columns, all.Select(cells));
        }, cancellation));
        return command;
    }

    private static Command Named(string name, string description, Symbol[] symbols)
    {
        Command command = new(name, description);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }

        command.Options.Add(s_json);
        RegistryTarget.AddOptions(command);
        return command;
    }

    private static void Rows(string[] columns, IEnumerable<string[]> rows)
    {
        Table table = new() { Border = TableBorder.Rounded };
        foreach (string column in columns) table.AddColumn(column);
        foreach (string[] row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }

    private static string Says(Consent consent) =>
        $"{consent.Purpose.ToString().ToLowerInvariant()}{(consent.Recipient.Length > 0 ? $" for {consent.Recipient}" : "")}: {(consent.Granted ? "yes" : "no")} from {Time(consent.FromUnixMs)}";

    private static string Time(long unixMs) => unixMs == 0 ? "the beginning" : DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);

    private static long InstantOrNow(string option, string? text) => text switch
    {
        null => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        "0" => 0,
        _ => Instant.Parse(option, text),
    };

    private static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"The profile '{file}' cannot be read: {fault.Message}");
        }
    }
}
