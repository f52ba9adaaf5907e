namespace Telemetry.Device.Spool
{
    /// <summary>What a record of the spool consists of, behind its header: the entries, 8 bytes each, then the payload. Read piece by piece, from the beginning to the
    /// end, so that nothing holds it whole.</summary>
    internal interface IRecordSource
    {
        /// <summary>Goes back to the first entry. The bytes are the same each time.</summary>
        void Rewind();

        /// <summary>The next bytes.</summary>
        /// <param name="buffer">Where to.</param>
        /// <param name="offset">Index of the first.</param>
        /// <param name="count">The most: 64 and more, or as many as entries take.</param>
        /// <returns>Bytes written; 0 at the end.</returns>
        int Read(byte[] buffer, int offset, int count);
    }
}
