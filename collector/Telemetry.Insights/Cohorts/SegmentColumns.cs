using System.Runtime.InteropServices;
using Telemetry.Registry;

namespace Telemetry.Insights.Cohorts;

/// <summary>A final segment, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SegmentCell(int StartMinute, int EndMinute, int DeviceSet, int Scenario);

/// <summary>The final segments of a user, in order of time.</summary>
internal sealed record UserSegments(UserKey User, SegmentCell[] Segments);

/// <summary>Every present, final segment in memory, in columns: what cohort queries scan. Immutable; a refresh makes a new one.</summary>
/// <param name="Revision">The store's revision it holds.</param>
/// <param name="Users">By the store's small user id.</param>
/// <param name="ScenarioNames">By <see cref="SegmentCell.Scenario"/>.</param>
/// <param name="DeviceSets">By <see cref="SegmentCell.DeviceSet"/>: device keys, ascending.</param>
/// <param name="ModelVersions">Versions of the models behind the segments, in ordinal order.</param>
internal sealed record SegmentColumns(
    long Revision, IReadOnlyDictionary<long, UserSegments> Users, IReadOnlyList<string> ScenarioNames, IReadOnlyList<uint[]> DeviceSets, IReadOnlyList<string> ModelVersions);
