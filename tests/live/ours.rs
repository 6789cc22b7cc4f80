//! Our proxy among the same servers, in simulated time.

mod connections;
mod stage;

use super::cluster::Addresses;
use super::experiment::Experiment;
use super::outcome::Outcome;
use super::suite::{Config, Suite};
use super::world::{self};
use proxy::names::Names;
use proxy::problem::ProblemKind;
use proxy::table::Table;
use stage::Stage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What becomes of each experiment of a suite, by its name. Each meets a new proxy.
pub(super) fn play(suite: &Suite) -> BTreeMap<String, Outcome> {
    let mut told = Told::new(suite);
    let experiments = suite.experiments.iter();
    let outcomes = experiments.map(|experiment: &Experiment| {
        let table = told.table(&suite.config);
        let outcome = Stage::new(&mut told, table, experiment).play();
        (experiment.name.clone(), outcome)
    });
    outcomes.collect()
}

/// What our proxies are told, and what names mean to them.
struct Told<'a> {
    suite: &'a Suite,
    addresses: Addresses,
    names: Names,
    /// The suite's own configuration, compiled.
    first: Option<Arc<Table>>,
}

impl<'a> Told<'a> {
    fn new(suite: &'a Suite) -> Self {
        Self {
            suite,
            addresses: world::unused(suite),
            names: Names::default(),
            first: None,
        }
    }

    /// The suite's configuration, compiled.
    fn table(&mut self, config: &Config) -> Arc<Table> {
        if let Some(first) = &self.first {
            return Arc::clone(first);
        }
        let table = self.compile(config);
        self.first = Some(Arc::clone(&table));
        table
    }

    /// A configuration of the suite's, compiled.
    fn compile(&mut self, config: &Config) -> Arc<Table> {
        let mut snapshot = world::snapshot(self.suite, config, &self.addresses);
        // Envoy is told of endpoints apart from their clusters.
        for cluster in &mut snapshot.clusters {
            let cluster = Arc::make_mut(cluster);
            if let Some(assignment) = cluster.load_assignment.take() {
                cluster.type_ = xds::ClusterType::Eds;
                snapshot.endpoints.push(Arc::new(assignment));
            }
        }
        let (table, mut problems) = Table::compile(&snapshot, &mut self.names);
        // Experiments show what is not simulated, or not wholly.
        let is_shown = [ProblemKind::NotSimulated, ProblemKind::Approximate];
        problems.retain(|problem| !is_shown.contains(&problem.kind));
        assert!(problems.is_empty(), "{problems:?}");
        Arc::new(table)
    }
}
