//! A run in the formats of other tools, on request.
//!
//! Each format is a file of its own below the run's folder and follows from what `measurements.json` holds, so that a saved
//! run can be exported later. The same run gives the same bytes.

mod chrome;
mod envoy_stats;
mod fortio;
mod graph;
mod openmetrics;
mod otlp;
mod spans;

use crate::model::{OutputFile, RunReport};

/// A format of another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Export {
    /// Istio's standard metrics and Envoy's stats as OpenMetrics text.
    OpenMetrics,
    /// Sampled requests as OTLP in JSON.
    Otlp,
    /// Sampled requests in Chrome's trace event format, which Perfetto opens.
    Chrome,
    /// The service graph for Graphviz.
    Dot,
    /// The service graph for Mermaid.
    Mermaid,
    /// A summary of each traffic source in the form of fortio's.
    Fortio,
}

impl Export {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OpenMetrics,
        Self::Otlp,
        Self::Chrome,
        Self::Dot,
        Self::Mermaid,
        Self::Fortio,
    ];

    /// The file's path below the run's folder.
    pub const fn path(self) -> &'static str {
        match self {
            Self::OpenMetrics => "metrics.txt",
            Self::Otlp => "traces.otlp.json",
            Self::Chrome => "trace.json",
            Self::Dot => "graph.dot",
            Self::Mermaid => "graph.mmd",
            Self::Fortio => "fortio.txt",
        }
    }
}

/// A run in one of these formats.
pub fn export(report: &RunReport, format: Export) -> OutputFile {
    let text = match format {
        Export::OpenMetrics => openmetrics::text(report),
        Export::Otlp => otlp::text(report),
        Export::Chrome => chrome::text(report),
        Export::Dot => graph::dot(report),
        Export::Mermaid => graph::mermaid(report),
        Export::Fortio => fortio::text(report),
    };
    OutputFile {
        path: format.path().to_owned(),
        bytes: text.into_bytes(),
    }
}
