namespace Telemetry.Device
{
    /// <summary>What the firmware may want to know of the collector's Commands. The client has done its own part before it calls.</summary>
    /// <remarks>Called from the pump; returns soon.</remarks>
    public interface ICommandHandler
    {
        /// <summary>The collector wants a signal at another period; 0 = stop, also after a withdrawn consent.</summary>
        void OnCaptureRate(int signal, int periodMs);

        /// <summary>A question for the person; answer with <c>client.Record(answerSignal, index)</c>.</summary>
        void OnQuestion(int id, string text, string[] answers, int answerSignal);

        /// <summary>Everything spooled under the old epoch was dropped: forget what the firmware keeps of this user, too.</summary>
        void OnErased();
    }
}
