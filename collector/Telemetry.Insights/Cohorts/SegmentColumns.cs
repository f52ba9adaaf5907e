using System.Runtime.InteropServices;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;

namespace Telemetry.Insights.Cohorts;

/// <summary>A final segment, or a composite made of some, 16 bytes.</summary>
/// <param name="StartMinute">Inclusive, minutes since 1970 UTC.</param>
/// <param name="EndMinute">Exclusive.</param>
/// <param name="DeviceSet">Number in <see cref="SegmentColumns.DeviceSets"/>.</param>
/// <param name="Scenario">Number in <see cref="SegmentColumns.ScenarioNames"/>.</param>
/// <param name="Place">As <see cref="Telemetry.Scenarios.Segments.Segment.Place"/>; only composites ask for it.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SegmentCell(int StartMinute, int EndMinute, int DeviceSet, ushort Scenario, ushort Place = 0);

/// <summary>The final segments of a user, in order of time; or the composites in them, which may overlap, in order of their start.</summary>
internal sealed record UserSegments(UserKey User, SegmentCell[] Segments);

/// <summary>Every present, final segment in memory, in columns: what cohort queries scan. Immutable; a refresh makes a new one.</summary>
/// <param name="Revision">The store's revision it holds.</param>
/// <param name="Users">By the store's small user id.</param>
/// <param name="ScenarioNames">By <see cref="SegmentCell.Scenario"/>.</param>
/// <param name="DeviceSets">By <see cref="SegmentCell.DeviceSet"/>: device keys, ascending.</param>
/// <param name="ModelVersions">Versions of the models behind the segments, in ordinal order.</param>
internal sealed record SegmentColumns(
    long Revision, IReadOnlyDictionary<long, UserSegments> Users, IReadOnlyList<string> ScenarioNames, IReadOnlyList<uint[]> DeviceSets, IReadOnlyList<string> ModelVersions)
{
    /// <summary>The patterns, when these are composites and no segments: then <see cref="ScenarioNames"/> are their names.</summary>
    public IReadOnlyList<Composite> Composites { get; init; } = [];
}
