namespace Telemetry.Device.Mqtt
{
    /// <summary>Where the payload of a PUBLISH is read from, piece by piece: batches are longer than the send buffer.</summary>
    internal interface IPayloadSource
    {
        /// <summary>Copies payload bytes.</summary>
        /// <returns>False when they are gone: the connection must end, because the packet cannot be completed.</returns>
        bool ReadPayload(int at, byte[] buffer, int offset, int count);
    }
}
