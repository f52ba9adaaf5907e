using System.Collections.Concurrent;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Commands;

/// <summary>What each device was told beyond what its sequences say, and who wants to know when that changes.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class CommandBoard(TimeProvider time)
{
    private readonly ConcurrentDictionary<uint, DeviceOrders> _orders = new();

    /// <summary>The device's orders as of now: a copy the caller completes.</summary>
    public Command Begin(uint deviceKey)
    {
        if (!_orders.TryGetValue(deviceKey, out DeviceOrders? orders)) return new Command();
        lock (orders)
        {
            Command command = orders.Command?.Clone() ?? new Command();
            command.Version = orders.Version;
            return command;
        }
    }

    /// <summary>Changes a device's orders and tells its sessions.</summary>
    public void Change(uint deviceKey, Action<Command> change)
    {
        DeviceOrders orders = OrdersOf(deviceKey);
        lock (orders)
        {
            change(orders.Command ??= new Command());
            orders.Version = NextVersion(orders.Version);
        }

        Notify(deviceKey);
    }

    /// <summary>Tells a device's sessions that its Command is another now.</summary>
    public void Notify(uint deviceKey)
    {
        if (!_orders.TryGetValue(deviceKey, out DeviceOrders? orders)) return;
        Action? listeners;
        lock (orders)
        {
            orders.Version = NextVersion(orders.Version);
            listeners = orders.Listeners;
        }

        listeners?.Invoke();
    }

    public IDisposable Listen(uint deviceKey, Action listener)
    {
        DeviceOrders orders = OrdersOf(deviceKey);
        lock (orders) orders.Listeners += listener;
        return new Subscription(orders, listener);
    }

    private DeviceOrders OrdersOf(uint deviceKey) => _orders.GetOrAdd(deviceKey, static _ => new DeviceOrders());

    // Begins at the time, so it grows across restarts without being kept.
    private uint NextVersion(uint version) => Math.Max(version + 1, (uint)time.GetUtcNow().ToUnixTimeSeconds());

    private sealed class DeviceOrders
    {
        /// <summary>Null until the first order: most devices never get one.</summary>
        public Command? Command { get; set; }

        public uint Version { get; set; }

        public Action? Listeners { get; set; }
    }

    private sealed class Subscription(DeviceOrders orders, Action listener) : IDisposable
    {
        public void Dispose()
        {
            lock (orders) orders.Listeners -= listener;
        }
    }
}
