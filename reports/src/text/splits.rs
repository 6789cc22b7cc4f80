//! How the requests for each Service were split among those who answered: shares as bars, and requests over time.

use super::pen::{Pen, Room, column, padded};
use crate::model::RunReport;
use crate::numbers::{number, percent};
use std::collections::BTreeMap;
use std::fmt::Write;
use telemetry::{DestinationLabels, DestinationTotals};

/// A Service and those who answered for it.
pub(crate) struct Split<'r> {
    pub(crate) service: &'r str,
    requests: u64,
    pub(crate) parts: Vec<&'r DestinationTotals>,
}

impl Split<'_> {
    /// The name of one who answered, with the version where another is called the same.
    pub(crate) fn name(&self, part: &DestinationTotals) -> String {
        let own = name(part);
        let version = part.destination.workload.version.as_str();
        let namesakes = self.parts.iter().filter(|other| name(other) == own);
        match (namesakes.count(), version) {
            (0 | 1, _) | (_, "") => own,
            (_, version) => format!("{own} {version}"),
        }
    }
}

/// A bar for each destination: Services with several first, then the busiest; not too many.
pub(super) fn lines(report: &RunReport, pen: Pen) -> Vec<String> {
    let destinations = report.measurements.window.destinations();
    let splits = splits_of(&destinations);
    let room = pen.room();
    let chosen = fitting(&splits, room);
    let over_time = over_time(report);
    let several = splits[..chosen]
        .iter()
        .filter(|split| split.parts.len() > 1);
    let names = several.flat_map(|split| split.parts.iter().map(|part| split.name(part)));
    let names: Vec<String> = names.collect();
    let bar_width = match pen.style().width {
        Some(width) if width < WIDE => BAR / 2,
        Some(_) | None => BAR,
    };
    let width = pen.style().width.unwrap_or(usize::MAX);
    let width = width.saturating_sub(bar_width + SLOTS + FIGURES).max(NAME);
    let name_width = column(names.iter()).max(NAME).min(width);
    // Services with one destination end where the others' figures begin; where there is no width, names are whole.
    let alone = splits[..chosen]
        .iter()
        .filter(|split| split.parts.len() == 1);
    let longest = match pen.style().width {
        Some(_) => 0,
        None => column(alone.map(|split| split.service)),
    };
    let place = (bar_width + name_width + 11).max(longest);
    let mut lines = Vec::new();
    if chosen > 0 {
        let head = "where requests went: share, requests, requests over time";
        lines.push(pen.dim(&pen.clipped(head)));
    }
    for split in &splits[..chosen] {
        let parts = &split.parts[..split.parts.len().min(room.parts)];
        let spark = |part: &DestinationTotals| over_time.get(&part.destination);
        let most = parts.iter().filter_map(|part| spark(part));
        let most = most.flatten().copied().max().unwrap_or(0);
        if let [only] = &split.parts[..] {
            let service = padded(&pen.fitted(split.service, place), place);
            let figures = figures(
                only,
                &pen.spark(spark(only).map_or(&[], Vec::as_slice), most),
            );
            lines.push(format!("{}{figures}", pen.bold(&service)));
            continue;
        }
        lines.push(pen.bold(&pen.clipped(split.service)));
        for part in parts {
            let name = padded(&pen.fitted(&split.name(part), width), name_width);
            let bar = pen.bar_colour(&pen.bar(part.share, bar_width));
            let share = format!("{:>7}", percent(part.share));
            let slots = spark(part).map_or(&[][..], Vec::as_slice);
            let figures = figures(part, &pen.spark(slots, most));
            lines.push(format!("  {name}  {bar} {share}{figures}"));
        }
        let rest = split.parts.len() - parts.len();
        if rest > 0 {
            lines.push(pen.more(rest, "", ""));
        }
    }
    let more = splits.len() - chosen;
    if more > 0 {
        lines.push(pen.more(more, "service", "in report.html"));
    }
    lines
}

/// Requests, the same over time, and tries beyond the first.
fn figures(part: &DestinationTotals, over_time: &str) -> String {
    let count = number(part.requests.count() as f64);
    let mut figures = format!("  {count:>6}  {over_time}");
    let attempts = part.attempts;
    let retries = match attempts.retries {
        1 => "retry",
        _ => "retries",
    };
    for (count, what) in [(attempts.retries, retries), (attempts.mirrors, "mirrored")] {
        if count > 0 {
            let count = number(count as f64);
            write!(figures, "  {count} {what}").expect("memory takes all that is written");
        }
    }
    figures
}

/// Services by how much they have to show: those with several destinations first, then the busiest.
pub(crate) fn splits_of(destinations: &[DestinationTotals]) -> Vec<Split<'_>> {
    let mut services: BTreeMap<&str, Vec<&DestinationTotals>> = BTreeMap::new();
    for totals in destinations {
        let service = totals.destination.service.as_str();
        services.entry(service).or_default().push(totals);
    }
    let mut splits: Vec<Split<'_>> = (services.into_iter())
        .map(|(service, parts)| Split {
            service,
            requests: parts.iter().map(|part| part.requests.count()).sum(),
            parts,
        })
        .collect();
    splits.sort_by_key(|split| std::cmp::Reverse((split.parts.len() > 1, split.requests)));
    splits
}

/// How many of the Services have room.
fn fitting(splits: &[Split<'_>], room: Room) -> usize {
    let heights = splits.iter().map(|split| {
        let parts = split.parts.len();
        match parts {
            1 => 1,
            _ => 1 + parts.min(room.parts) + usize::from(parts > room.parts),
        }
    });
    let mut lines = 0;
    let fit = heights.take_while(|height| {
        lines += height;
        lines <= room.splits
    });
    fit.count()
}

/// Requests over the whole run, by destination.
fn over_time(report: &RunReport) -> BTreeMap<&DestinationLabels, Vec<u64>> {
    let measurements = &report.measurements;
    let buckets = measurements.facts.buckets() as usize;
    let slots = SLOTS.min(buckets);
    let mut all: BTreeMap<&DestinationLabels, Vec<u64>> = BTreeMap::new();
    if slots < 2 {
        return all;
    }
    for series in &measurements.series.requests {
        let line = all
            .entry(&series.labels.destination)
            .or_insert_with(|| vec![0; slots]);
        for bucket in &series.buckets {
            let slot = bucket.bucket as usize * slots / buckets;
            line[slot.min(slots - 1)] += bucket.latency.count();
        }
    }
    all
}

fn name(part: &DestinationTotals) -> String {
    let destination = &part.destination;
    let workload = &destination.workload.workload;
    match (destination.subset.as_str(), workload.as_str()) {
        ("", "") => "not served".to_owned(),
        (subset, "") => format!("{subset}, not served"),
        ("", workload) => workload.to_owned(),
        (subset, workload) => format!("{subset}, {workload}"),
    }
}

/// The longest bar, in characters, on a terminal of this width or where there is none.
const BAR: usize = 24;
const WIDE: usize = 100;
/// Moments that requests over time are shown in.
const SLOTS: usize = 16;
/// What shares, counts, retries and the space between them take.
const FIGURES: usize = 34;
/// The room that names have at least.
const NAME: usize = 12;
