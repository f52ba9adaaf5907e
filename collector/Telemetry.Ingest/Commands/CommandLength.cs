using Google.Protobuf;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Commands;

/// <summary>A Command is as long as its device reads: of one that is longer a device would read nothing at all.</summary>
internal static class CommandLength
{
    /// <summary>The Command's bytes, less what there is no room for. Left out first is what comes again by itself (ranges: what is spooled is sent anyway) or can be asked
    /// later (a question), then the last capture rates, and only then what is not to be captured. What was left out stays unconfirmed.</summary>
    /// <param name="command">Changed where it is too long.</param>
    /// <param name="maxBytes">What the device reads.</param>
    public static byte[] Fit(Command command, int maxBytes)
    {
        while (command.CalculateSize() > maxBytes && TryShorten(command))
        {
            // A field less each time.
        }

        return command.ToByteArray();
    }

    private static bool TryShorten(Command command)
    {
        if (command.Resend.Count > 0) command.Resend.RemoveAt(command.Resend.Count - 1);
        else if (command.Question is not null) command.Question = null;
        else if (command.CaptureRates.Count > 0) command.CaptureRates.RemoveAt(command.CaptureRates.Count - 1);
        else if (command.WithdrawnSignals.Count > 0) command.WithdrawnSignals.RemoveAt(command.WithdrawnSignals.Count - 1);
        else return false;
        return true;
    }
}
