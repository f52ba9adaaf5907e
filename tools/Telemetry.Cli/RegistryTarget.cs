using System.CommandLine;
using Google.Protobuf;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Options;
using Telemetry.Registry;
using Telemetry.Wire.V1;
using Command = System.CommandLine.Command;

namespace Telemetry.Cli;

/// <summary>Where registry commands go: a running collector, or with <c>--data DIR</c> the folder of one that does not run.</summary>
internal abstract class RegistryTarget : IDisposable
{
    private static readonly Option<string?> s_data = new("--data") { Description = "Work on this data folder; no collector may run on it" };

    /// <summary>Gives a command the options <see cref="RunAsync"/> reads.</summary>
    public static void AddOptions(Command command)
    {
        command.Options.Add(s_data);
        CollectorClient.AddOptions(command);
    }

    /// <summary>Opens the target as the command line says and does the work.</summary>
    public static Task<int> RunAsync(ParseResult parsed, Func<RegistryTarget, Task> work, CancellationToken cancellation) => CollectorClient.GuardAsync(async () =>
    {
        try
        {
            using RegistryTarget target = parsed.GetValue(s_data) is { } folder ? new Folder(folder) : new Remote(CollectorClient.Connect(parsed));
            await work(target);
            return ExitCode.Done;
        }
        catch (RegistryException refusal)
        {
            throw new CommandException(refusal.Message);
        }
    }, cancellation);

    /// <summary>Calls a method of telemetry.v1.Registry.</summary>
    public abstract Task<TResponse> CallAsync<TResponse>(string method, IMessage request, CancellationToken cancellation)
        where TResponse : IMessage<TResponse>, new();

    /// <summary>Lets go of the collector or folder.</summary>
    public abstract void Dispose();

    private sealed class Remote(CollectorClient client) : RegistryTarget
    {
        public override Task<TResponse> CallAsync<TResponse>(string method, IMessage request, CancellationToken cancellation) =>
            client.CallAsync<TResponse>($"v1/registry/{method}", request, cancellation);

        public override void Dispose() => client.Dispose();
    }

    private sealed class Folder : RegistryTarget
    {
        // Its lock is the one a running collector holds: a second writer would change what it keeps in memory behind its back.
        private readonly DataFolder _folder;
        private readonly DeviceRegistry _registry;
        private readonly RegistryService _service;

        public Folder(string path)
        {
            try
            {
                _folder = DataFolder.Open(path);
            }
            catch (Exception fault) when (fault is OptionsException or IOException)
            {
                throw new CommandException($"{fault.Message} With a collector that runs, leave --data out.");
            }

            _registry = DeviceRegistry.Open(_folder.RegistryFile, TimeProvider.System);
            _service = new RegistryService(_registry);
        }

        public override Task<TResponse> CallAsync<TResponse>(string method, IMessage request, CancellationToken cancellation)
        {
            IMessage answer = request switch
            {
                Brand brand => _service.PutBrand(brand),
                PutModelRequest model => _service.PutModel(model),
                AddDeviceRequest device => _service.AddDevice(device),
                AddUserRequest user => _service.AddUser(user),
                Binding binding => _service.BindDevice(binding),
                Consent consent => _service.SetConsent(consent),
                OrderRequest order => _service.PutOrders(order),
                OrdersRequest orders => _service.ListOrders(orders),
                ListRequest list => method switch
                {
                    "ListBrands" => _service.ListBrands(list),
                    "ListModels" => _service.ListModels(list),
                    "ListDevices" => _service.ListDevices(list),
                    _ => _service.ListUsers(list),
                },
                _ => throw new NotSupportedException($"{method} has no handler here."),
            };
            return Task.FromResult((TResponse)answer);
        }

        public override void Dispose()
        {
            _registry.Dispose();
            _folder.Dispose();
        }
    }
}
