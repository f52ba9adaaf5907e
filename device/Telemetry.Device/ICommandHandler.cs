namespace Telemetry.Device
{
    /// <summary>What the firmware may want to know of the collector's Commands. The client has done its own part before it calls.</summary>
    /// <remarks>Called from the pump; returns soon.</remarks>
    public interface ICommandHandler
    {
        /// <summary>The collector wants a signal at another period than until now; 0 = stop, also after a withdrawn consent; -1 = the profile's again.
        /// After a boot the profile's holds until a Command says otherwise.</summary>
        void OnCaptureRate(int signal, int periodMs);

        /// <summary>A question for the person, once a boot; answer with <c>client.Record(answerSignal, index)</c>.</summary>
        void OnQuestion(int id, string text, string[] answers, int answerSignal);

        /// <summary>Everything spooled under the old epoch was dropped: forget what the firmware keeps of this user, too.</summary>
        void OnErased();
    }
}
