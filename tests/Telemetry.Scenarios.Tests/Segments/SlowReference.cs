using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Tests.Segments;

/// <summary>One reading of one device. Values are in the unit of the slot.</summary>
internal readonly record struct Reading(long UnixMs, uint Device, SignalSlot Slot, double Value);

/// <summary>A stay as the reference sees it.</summary>
internal sealed record ReferenceStay(string Scenario, int StartMinute, int EndMinute, double Confidence, bool IsProvisional, uint[] Devices, int Place);

/// <summary>
/// The same law as the streaming engine, written a second time and as plainly as it goes: all readings sorted, every minute's features from the readings
/// themselves, means as weighted sums over all minutes before, the duration chains as one big transition matrix, every answer from scratch. It knows worn, sound
/// devices only: the quality gate has tests of its own.
/// </summary>
internal sealed class SlowReference(ScenarioModel model, IEnumerable<Reading> readings, params Answer[] answers)
{
    private const int Lag = 5, WarmUp = 720, OffAfter = 6;
    private readonly Reading[] _readings = [.. readings.OrderBy(reading => reading.UnixMs)];
    private readonly ILookup<int, Reading> _byMinute = readings.OrderBy(reading => reading.UnixMs).ToLookup(Minute);

    public List<ReferenceStay> Day(int day)
    {
        int firstEver = Minute(_readings[0]), last = Math.Min(Minute(_readings[^1]), (day * 1440) + 1439 + Lag);
        int from = Math.Max((day * 1440) - WarmUp, firstEver);
        var stirs = Stirs(from);
        Dictionary<string, double>[] features = [.. Enumerable.Range(from, last - from + 1).Select(minute => Features(from, minute, stirs))];
        bool[][] seen = [.. features.Select(Seen)];
        bool[] isEmpty = [.. seen.Select(scenarios => !scenarios.Contains(true))];
        double[][] inputs = [.. model.Inputs.Select(name => Input(features, name))];
        double[] shifts = Shifts(day * 1440);
        double[][] scores = Levelled([.. features.Select((_, i) => isEmpty[i] ? [] : Scores([.. inputs.Select(column => column[i])]))]);
        double[][] likelihoods = [.. scores.Select(minute => minute.Length == 0 ? [.. model.Scenarios.Select(_ => 1.0)] : Likelihood(minute, shifts))];
        for (int i = 0; i < likelihoods.Length; i++) likelihoods[i] = [.. likelihoods[i].Zip(Allowed(from + i), (weight, isAllowed) => isAllowed ? weight : weight * 1e-4)];

        double[,] moves = Moves();
        double[] before = Begin();
        double[][] forward = new double[likelihoods.Length][];
        for (int i = 0; i < likelihoods.Length; i++) forward[i] = before = Scaled(Weighed(i == 0 ? Moved(Begin(), moves) : Moved(before, moves), likelihoods[i]));

        List<ReferenceStay> stays = [];
        for (int i = 0; i < likelihoods.Length; i++)
        {
            int minute = from + i;
            if (minute < Math.Max(day * 1440, firstEver) || minute >= (day + 1) * 1440) continue;
            int known = Math.Min(i + Lag, likelihoods.Length - 1);
            double[] later = [.. forward[i].Select(_ => 1.0)];
            for (int j = known; j > i; j--) later = MovedBack(Weighed(later, likelihoods[j]), moves);
            double[][] shares = [.. Enumerable.Range(known - Lag, Lag + 1).Append(i).Select(j => j < 0 ? [.. model.Scenarios.Select(_ => 1.0 / model.Scenarios.Count)] : Scaled(likelihoods[j]))];
            Add(stays, minute, Name(forward[i].Zip(later, (a, b) => a * b).ToArray(), shares, seen[..(known + 1)], i, minute), isProvisional: i + Lag > known, (int)features[i].GetValueOrDefault("place"));
        }

        return [.. stays.Select(stay => stay with { Confidence = stay.Confidence / (stay.EndMinute - stay.StartMinute) })];
    }

    private void Add(List<ReferenceStay> stays, int minute, (string Name, double Confidence) said, bool isProvisional, int place)
    {
        uint[] devices = [.. _byMinute[minute].Select(reading => reading.Device).Distinct().Order()];
        ReferenceStay? open = stays.Count == 0 ? null : stays[^1];
        if (open is null || open.Scenario != said.Name || open.IsProvisional != isProvisional)
            stays.Add(new ReferenceStay(said.Name, minute, minute + 1, said.Confidence, isProvisional, devices, place));
        else
            stays[^1] = open with { EndMinute = minute + 1, Confidence = open.Confidence + said.Confidence, Devices = [.. open.Devices.Union(devices).Order()], Place = place };
    }

    // shares: of the evidence of six minutes, and then of this one.
    private (string Name, double Confidence) Name(double[] states, double[][] shares, bool[][] seen, int i, int minute)
    {
        if (Said(minute) is { } said) return (said, 1);
        if (IsLong(seen, i, scenarios => !scenarios.Contains(true))) return (_byMinute[minute].Any() ? ScenarioNames.Unknown : ScenarioNames.Off, 0);

        double[] probability = new double[model.Scenarios.Count];
        int state = 0;
        for (int k = 0; k < probability.Length; k++)
        {
            for (int step = 0; step < model.Scenarios[k].MinMinutes; step++) probability[k] += states[state++];
        }

        probability = Scaled(probability);
        bool[] allowed = Allowed(minute);
        if (!allowed.Contains(true)) return (ScenarioNames.Unknown, 0);
        int best = Enumerable.Range(0, probability.Length).Where(k => allowed[k]).MaxBy(k => probability[k] * model.Scenarios[k].Vote);
        double evidence = (shares[..^1].Average(share => share[best]) + shares[^1][best]) / 2;
        double confidence = model.Calibration.Map(((1 - model.Calibration.Evidence) * probability[best]) + (model.Calibration.Evidence * evidence));
        return confidence < model.AbstainBelow || IsLong(seen, i, scenarios => !scenarios[best]) ? (ScenarioNames.Unknown, 0) : (model.Scenarios[best].Name, confidence);
    }

    // Whether minute i lies in a long stretch of minutes that are all so.
    private static bool IsLong(bool[][] minutes, int i, Func<bool[], bool> isSo)
    {
        int behind = i, ahead = i;
        while (behind > 0 && isSo(minutes[behind - 1])) behind--;
        while (ahead + 1 < minutes.Length && isSo(minutes[ahead + 1])) ahead++;
        return isSo(minutes[i]) && ahead - behind + 1 >= OffAfter;
    }

    // By scenario: whether a feature that can see it was heard, or where it is named after what stirs, stirred.
    private bool[] Seen(Dictionary<string, double> features)
    {
        string[] heard = [.. features.Where(feature => feature.Key switch
        {
            "place" or "hour_of_day" => false,
            "room_motion" or "door_open" or "screen_on" or "appliance_on" => feature.Value > 0,
            _ => true,
        }).Select(feature => feature.Key)];
        return [.. model.Scenarios.Select(shape => heard.Any(name => shape.SeenBy?.Contains(name) ?? model.Inputs.Any(input => input.Split('.')[0] == name)))];
    }

    // The last word about a minute, unless it was taken back by name.
    private string? Said(int minute)
    {
        Answer[] about = [.. answers.Where(answer => answer.FromMinute <= minute && minute < answer.ToMinute)];
        int last = Array.FindLastIndex(about, answer => answer.Holds);
        return last < 0 || about[last..].Any(answer => !answer.Holds && answer.Scenario == about[last].Scenario) ? null : about[last].Scenario;
    }

    private bool[] Allowed(int minute)
    {
        if (Said(minute) is { } said) return [.. model.Scenarios.Select(shape => shape.Name == said)];
        HashSet<string> refused = [];
        foreach (Answer answer in answers.Where(answer => answer.FromMinute <= minute && minute < answer.ToMinute))
        {
            if (answer.Holds) refused.Clear();
            else refused.Add(answer.Scenario);
        }

        return [.. model.Scenarios.Select(shape => !refused.Contains(shape.Name))];
    }

    private double[] Shifts(int before)
    {
        Answer[] past = [.. answers.Where(answer => answer.ToMinute <= before && answer.ModelVersion == model.Version && (answer.Holds || answer.Scenario == answer.Suggested))];
        return [.. model.Scenarios.Select(shape => Math.Clamp(
            Math.Log((past.Count(answer => answer.Holds && answer.Scenario == shape.Name) + 2.0) / (past.Count(answer => answer.Suggested == shape.Name) + 2.0)), -1, 1))];
    }

    // Where something stirred, of the devices that say their room: what they report changes, or a movement was counted.
    private List<(int Minute, int Room, bool HasStirred, bool IsInUse)> Stirs(int from)
    {
        List<(int Minute, int Room, bool HasStirred, bool IsInUse)> all = [];
        foreach (IGrouping<uint, Reading> device in _readings.Where(reading => Minute(reading) >= from).GroupBy(reading => reading.Device))
        {
            Dictionary<SignalSlot, double> before = [];
            foreach (IGrouping<int, Reading> minute in device.GroupBy(Minute))
            {
                bool isMoving = minute.Where(reading => reading.Slot == SignalSlot.RoomMotion).Sum(reading => reading.Value) > 0, hasSwitched = false;
                foreach (Reading reading in minute.Where(reading => reading.Slot is SignalSlot.Door or SignalSlot.Bed or SignalSlot.Appliance))
                {
                    hasSwitched |= reading.Value != before.GetValueOrDefault(reading.Slot);
                    before[reading.Slot] = reading.Value;
                }

                bool isOn = minute.Any(reading => reading.Slot == SignalSlot.Appliance && reading.Value > 0);
                all.Add((minute.Key, RoomOf(device.Key, from, minute.Key), isMoving || hasSwitched, isMoving || hasSwitched || isOn));
            }
        }

        return [.. all.Where(stir => stir.Room > 0)];
    }

    private int RoomOf(uint device, int from, int minute) => (int)_readings
        .LastOrDefault(reading => reading.Device == device && reading.Slot == SignalSlot.Room && Minute(reading) >= Math.Max(from, minute - 720) && Minute(reading) <= minute).Value;

    private static void Rooms(Dictionary<string, double> features, List<(int Minute, int Room, bool HasStirred, bool IsInUse)> stirs, int minute)
    {
        (int Minute, int Room, bool HasStirred, bool IsInUse)[] past = [.. stirs.Where(stir => stir.Minute <= minute && stir.Minute >= minute - 720)];
        if (!past.Any(stir => stir.HasStirred)) return;
        int last = past.Where(stir => stir.HasStirred).Max(stir => stir.Minute);
        features["last_room"] = past.Where(stir => stir.HasStirred && stir.Minute == last).Max(stir => stir.Room);
        features["room_quiet"] = minute - last;
        foreach ((string name, Room room) in (ReadOnlySpan<(string, Room)>)[("kitchen", Room.Kitchen), ("shower", Room.Shower)])
        {
            int[] uses = [.. past.Where(stir => stir.IsInUse && stir.Room == (int)room).Select(stir => stir.Minute)];
            if (uses.Length > 0) features[name] = uses.Max() == minute ? 1 : 0;
        }
    }

    private Dictionary<string, double> Features(int from, int minute, List<(int Minute, int Room, bool HasStirred, bool IsInUse)> stirs)
    {
        Dictionary<string, double> features = new() { ["hour_of_day"] = minute % 1440 / 60.0 };
        Dictionary<SignalSlot, double[][]> byDevice = _byMinute[minute].GroupBy(reading => reading.Slot).ToDictionary(
            slot => slot.Key, slot => slot.GroupBy(reading => reading.Device).OrderBy(device => device.Key).Select(device => device.Select(reading => reading.Value).ToArray()).ToArray());
        foreach ((SignalSlot slot, double[][] devices) in byDevice)
        {
            switch (slot)
            {
                case SignalSlot.HeartRate:
                    features["heart_rate"] = devices[0].Average();
                    features["heart_rate_range"] = devices.Max(values => values.Max() - values.Min());
                    break;
                case SignalSlot.Steps: features["steps"] = devices.Max(values => values.Sum()); break;
                case SignalSlot.Motion: features["motion"] = devices.Max(values => values.Average()); break;
                case SignalSlot.Speed: features["speed"] = devices.Max(values => values.Average()); break;
                case SignalSlot.FootStrikes: features["foot_strikes"] = devices.Max(values => values.Sum()); break;
                case SignalSlot.RoomMotion: features["room_motion"] = devices.Sum(values => values.Sum()); break;
                default: break; // states follow
            }
        }

        Hold(features, "place", SignalSlot.Place, from, minute);
        Hold(features, "bed_occupied", SignalSlot.Bed, from, minute, device => RoomOf(device, from, minute) is 0 or (int)Room.Bedroom);
        Hold(features, "seat_occupied", SignalSlot.Bed, from, minute, device => RoomOf(device, from, minute) is not (0 or (int)Room.Bedroom));
        Rooms(features, stirs, minute);
        if (features.TryGetValue("heart_rate", out double heart)) Rise(features, heart, from, minute);
        return features;
    }

    private void Hold(Dictionary<string, double> features, string name, SignalSlot slot, int from, int minute, Func<uint, bool>? isOf = null)
    {
        for (int at = Math.Max(from, minute - 720); at <= minute; at++)
        {
            foreach (Reading reading in _byMinute[at].Where(reading => reading.Slot == slot && isOf?.Invoke(reading.Device) != false)) features[name] = reading.Value;
        }
    }

    private void Rise(Dictionary<string, double> features, double heart, int from, int minute)
    {
        double[] means = [.. Enumerable.Range(from, minute - from + 1).Select(at => _byMinute[at].Where(reading => reading.Slot == SignalSlot.HeartRate).Select(reading => reading.Value))
            .Where(values => values.Any()).Select(values => values.Average())];
        if (means.Length >= 30) features["heart_rate_rise"] = heart - means.Min();
    }

    // Minutes without evidence have no scores. What a scenario got on the whole before, against what it gets from everybody, is taken away by weight.
    private double[][] Levelled(double[][] scores)
    {
        if (model.Usual is not { } usual) return scores;
        double[][] shares = [.. usual.Share.Select((_, k) => scores.Select(minute => minute.Length == 0 ? double.NaN : Math.Exp(minute[k]) / minute.Sum(Math.Exp)).ToArray())];
        double More(int k, int i)
        {
            double own = Mean(shares[k][..i], usual.Minutes);
            return double.IsNaN(own) ? 0 : Math.Clamp(Math.Log((own + 0.05) / (usual.Share[k] + 0.05)), -1, 1);
        }

        return [.. scores.Select((minute, i) => minute.Select((score, k) => score - (usual.Weight * More(k, i))).ToArray())];
    }

    private double[] Scores(double[] inputs)
    {
        double[] scores = [.. model.Scenarios.Select(shape => shape.Bias)];
        foreach (BinnedTerm term in model.Terms)
        {
            double value = inputs[model.Inputs.ToList().IndexOf(term.Input)];
            if (double.IsNaN(value)) continue;
            for (int k = 0; k < scores.Length; k++)
            {
                if (term.LogOdds.TryGetValue(model.Scenarios[k].Name, out IReadOnlyList<double>? odds)) scores[k] += odds[term.Edges.Count(edge => value >= edge)];
            }
        }

        foreach (SmallTree tree in model.Trees) scores[tree.Scenario] += Leaf(tree, 0, inputs);
        return scores;
    }

    private double[] Likelihood(double[] scores, double[] shifts)
    {
        scores = [.. scores.Zip(shifts, (score, shift) => score + shift)];
        double best = scores.Max();
        return [.. scores.Select(score => model.EmissionFloor + ((1 - model.EmissionFloor) * Math.Exp(model.EmissionWeight * (score - best))))];
    }

    private static double Leaf(SmallTree tree, int node, double[] inputs)
    {
        if (node >= tree.Inputs.Count) return tree.Leaves[node - tree.Inputs.Count];
        double value = tree.Inputs[node] < 0 ? double.NegativeInfinity : inputs[tree.Inputs[node]];
        bool isRight = double.IsNaN(value) ? tree.MissingRight[node] != 0 : value >= tree.Below[node];
        return Leaf(tree, (2 * node) + (isRight ? 2 : 1), inputs);
    }

    private static double[] Input(Dictionary<string, double>[] features, string name)
    {
        string[] parts = name.Split('.');
        double[] values = [.. features.Select(minute => minute.TryGetValue(parts[0], out double value) ? value : double.NaN)];
        if (parts.Length == 1) return values;
        double minutes = double.Parse(parts[1][1..], System.Globalization.CultureInfo.InvariantCulture);
        double[] means = Means(values, minutes);
        if (parts[1][0] == 'm') return means;
        double[] distances = [.. values.Zip(means, (value, mean) => value - mean)];
        return [.. distances.Zip(Means([.. distances.Select(Math.Abs)], minutes), (distance, usual) => Math.Clamp(distance / (usual + 1e-3), -20, 20))];
    }

    private static double[] Means(double[] values, double minutes) => [.. values.Select((_, i) => Mean(values[..(i + 1)], minutes))];

    private static double Mean(double[] values, double minutes)
    {
        double sum = 0, weights = 0;
        for (int j = 0; j < values.Length; j++)
        {
            if (double.IsNaN(values[j])) continue;
            double weight = Math.Exp((j - values.Length + 1) / minutes);
            sum += weight * values[j];
            weights += weight;
        }

        return weights < 0.05 ? double.NaN : sum / weights;
    }

    private double[,] Moves()
    {
        int[] first = [.. model.Scenarios.Select((_, k) => model.Scenarios.Take(k).Sum(shape => shape.MinMinutes))];
        int states = model.Scenarios.Sum(shape => shape.MinMinutes);
        double priors = model.Scenarios.Sum(shape => shape.Prior);
        double[,] moves = new double[states, states];
        for (int k = 0; k < first.Length; k++)
        {
            ScenarioShape shape = model.Scenarios[k];
            int end = first[k] + shape.MinMinutes - 1;
            for (int step = first[k]; step < end; step++) moves[step, step + 1] = 1;
            double leave = 1 / (shape.TypicalMinutes - shape.MinMinutes + 1);
            moves[end, end] += 1 - leave;
            for (int to = 0; to < first.Length; to++)
                moves[end, first[to]] += leave * (model.Next is { } next ? next[k][to] : to == k ? 0 : model.Scenarios[to].Prior / (priors - shape.Prior));
        }

        return moves;
    }

    private double[] Begin()
    {
        double priors = model.Scenarios.Sum(shape => shape.Prior);
        return [.. model.Scenarios.SelectMany(shape => Enumerable.Repeat(shape.Prior / priors / shape.MinMinutes, shape.MinMinutes))];
    }

    private double[] Weighed(double[] states, double[] likelihood)
    {
        double[] byState = [.. model.Scenarios.SelectMany((shape, k) => Enumerable.Repeat(likelihood[k], shape.MinMinutes))];
        return [.. states.Zip(byState, (state, weight) => state * weight)];
    }

    private static double[] Moved(double[] states, double[,] moves) =>
        [.. Enumerable.Range(0, states.Length).Select(to => Enumerable.Range(0, states.Length).Sum(from => states[from] * moves[from, to]))];

    private static double[] MovedBack(double[] states, double[,] moves) =>
        [.. Enumerable.Range(0, states.Length).Select(from => Enumerable.Range(0, states.Length).Sum(to => moves[from, to] * states[to]))];

    private static double[] Scaled(double[] values) => [.. values.Select(value => value / values.Sum())];

    private static int Minute(Reading reading) => (int)(reading.UnixMs / 60_000);
}
