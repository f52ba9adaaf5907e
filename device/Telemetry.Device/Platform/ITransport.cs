namespace Telemetry.Device.Platform
{
    /// <summary>A byte stream to the broker: TCP, TLS, or whatever a phone or modem offers. One of the two things to port (PORTING.md).</summary>
    /// <remarks>Called from the pump only. <see cref="Send"/> and <see cref="Receive"/> return at once; no member throws.</remarks>
    public interface ITransport
    {
        /// <summary>Begins a connection, or asks how the one under way is doing: called again while it answers Pending.</summary>
        /// <returns>Connected, Pending or Broken. A port that can only block returns Connected or Broken.</returns>
        TransportStatus Connect(string host, int port);

        /// <summary>Hands over up to <paramref name="count"/> bytes. Those that were not taken come again, perhaps from another place of the buffer and
        /// in other pieces.</summary>
        /// <returns>Bytes taken; 0 = try again later; -1 = the connection is gone.</returns>
        int Send(byte[] buffer, int offset, int count);

        /// <summary>Takes up to <paramref name="count"/> bytes that have arrived.</summary>
        /// <returns>Bytes read; 0 = nothing now; -1 = the connection is gone.</returns>
        int Receive(byte[] buffer, int offset, int count);

        /// <summary>Closes the connection if there is one. May be followed by another Connect.</summary>
        void Close();
    }

    /// <summary>Answers of <see cref="ITransport.Connect"/>.</summary>
    public enum TransportStatus
    {
        Connected = 0,
        Pending = 1,
        Broken = 2,
    }
}
