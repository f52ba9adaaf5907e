using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Training;

/// <summary>
/// Minutes as they would have been without some of what was measured: trees that grow on them as well look for what else tells a scenario, and do not hang on one device
/// that the next person wears in another way, or not at all.
/// </summary>
/// <param name="Devices">Chance of each device to be gone. The device of an input named <c>watch:motion</c> is <c>watch</c>; one without a colon belongs to none.</param>
/// <param name="Single">Chance of each input to be gone by itself.</param>
public sealed record BlankedInputs(double Devices, double Single)
{
    /// <summary>Adds a blanked copy of every row.</summary>
    internal void AddTo(List<float[]> rows, List<int> labels, IReadOnlyList<InputSource> inputs, int seed)
    {
        int[][] devices = [.. Enumerable.Range(0, inputs.Count).Where(i => inputs[i].Feature.Contains(':')).GroupBy(i => inputs[i].Feature.Split(':')[0]).Select(device => device.ToArray())];
        Random random = new(seed);
        int count = rows.Count;
        for (int row = 0; row < count; row++)
        {
            float[] copy = [.. rows[row]];
            foreach (int[] device in devices)
            {
                if (random.NextDouble() >= Devices) continue;
                foreach (int input in device) copy[input] = float.NaN;
            }

            for (int input = 0; input < copy.Length; input++)
            {
                if (random.NextDouble() < Single) copy[input] = float.NaN;
            }

            rows.Add(copy);
            labels.Add(labels[row]);
        }
    }
}
