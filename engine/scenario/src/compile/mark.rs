//! What degraded answers lack: words of scenarios, numbered once.

use crate::call::Call;
use crate::compile::report::Report;
use crate::file::Scenario;
use crate::place::Place;
use crate::server::Server;
use sim::application::Mark;
use std::collections::BTreeSet;

/// All words, in their order; the first is empty.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<String>);

impl Marks {
    /// The words of all servers of a scenario, and those that its timeline brings.
    pub(super) fn of<'s>(
        servers: impl Iterator<Item = &'s Server>,
        scenario: &'s Scenario,
        report: &mut Report,
    ) -> Self {
        let mut words = BTreeSet::from([""]);
        for endpoint in servers.flat_map(|server| &server.endpoints) {
            words.insert(&endpoint.degraded);
            let acts = endpoint.script.iter().flat_map(|script| &script.acts);
            words.extend(acts.map(|act| act.degraded.as_str()));
            let calls = endpoint.calls.iter().flat_map(|step| &step.calls);
            calls.for_each(|call| add(call, &mut words));
        }
        let changes = scenario.timeline.iter();
        let scripts = changes.filter_map(|change| change.server.as_ref()?.patch.script.as_ref());
        let acts = scripts.flat_map(|script| &script.acts);
        words.extend(acts.map(|act| act.degraded.as_str()));
        if words.len() > Mark::LIMIT {
            let message = format!(
                "there are more than {} kinds of degraded responses",
                Mark::LIMIT - 1
            );
            let place = Place::of_file(&scenario.source);
            report.invalid(&place, message, None);
        }
        Self(words.into_iter().map(str::to_owned).collect())
    }

    /// The number of a word.
    pub(super) fn of_word(&self, word: &str) -> Mark {
        let place = self.0.binary_search_by(|known| known.as_str().cmp(word));
        // Words beyond the limit were reported.
        Mark(
            place
                .ok()
                .and_then(|place| u8::try_from(place).ok())
                .unwrap_or_default(),
        )
    }

    /// The words, by number.
    pub(super) fn words(&self) -> Vec<String> {
        self.0.clone()
    }
}

fn add<'s>(call: &'s Call, words: &mut BTreeSet<&'s str>) {
    words.insert(&call.degraded);
    if let Some(fallback) = &call.fallback {
        add(fallback, words);
    }
}
