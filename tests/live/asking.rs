//! A suite, played before a real Envoy.

use super::client::{self, Clients};
use super::counters;
use super::envoy::{EjectionEvent, Envoy, Logged};
use super::experiment::{Experiment, Step};
use super::files::Files;
use super::outcome::{Answer, Ejection, Outcome, Received};
use super::server::{Journal, Servers};
use super::suite::{Config, Suite};
use super::world::{Instance, bootstrap};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// What becomes of each experiment of a suite, by its name.
pub(super) fn ask(binary: &Path, suite: &Suite) -> BTreeMap<String, Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let asking = Asking::begin(binary, suite).await;
        asking.all().await
    })
}

/// A suite under way.
struct Asking {
    suite: Suite,
    servers: Servers,
    instances: Vec<Instance>,
    envoy: Envoy,
    files: Mutex<Files>,
}

/// How many experiments run at a time, where they do not share clusters.
const AT_A_TIME: usize = 8;

impl Asking {
    async fn begin(binary: &Path, suite: &Suite) -> Arc<Self> {
        let servers = Servers::start(suite).await;
        let instances = Instance::each(suite);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut files = Files::new(folder.path(), suite);
        let at = servers.addresses();
        let bootstrap = match suite.is_dynamic() {
            true => files.bootstrap(&instances, at),
            false => {
                let each = instances.iter();
                let listeners = each.clone().map(|one| one.listener(suite, &suite.config));
                let clusters = each.flat_map(|one| one.clusters(&suite.config, at));
                bootstrap(suite, listeners.collect(), clusters.collect())
            }
        };
        Arc::new(Self {
            suite: suite.clone(),
            envoy: Envoy::start(binary, bootstrap, suite.concurrency, folder).await,
            servers,
            instances,
            files: Mutex::new(files),
        })
    }

    async fn all(self: Arc<Self>) -> BTreeMap<String, Outcome> {
        let permits = if self.suite.shared { 1 } else { AT_A_TIME };
        let permits = Arc::new(Semaphore::new(permits));
        let count = self.suite.experiments.len();
        let running = (0..count).map(|number| {
            let (asking, permits) = (Arc::clone(&self), Arc::clone(&permits));
            tokio::spawn(async move {
                let _permit = permits.acquire().await.expect("it stays open");
                Playing::new(&asking, number).play().await
            })
        });
        let mut played = Vec::new();
        for running in running.collect::<Vec<_>>() {
            played.push(running.await.expect("an experiment is played"));
        }
        let wanted = played.iter().map(|played| played.responses.len()).sum();
        let log = self.envoy.log(wanted).await;
        let stats = self.envoy.stats().await;
        let events = self.envoy.ejections();
        let outcomes = played.into_iter().enumerate();
        let named = outcomes.map(|(number, played)| {
            let experiment = &self.suite.experiments[number];
            let ejections = self.ejections(number, &played, &events);
            let responses = played.responses.into_iter().enumerate();
            let answers = responses.map(|(n, response)| {
                let id = id(number, n);
                self.answer(&id, log.get(&id), response)
            });
            let outcome = Outcome {
                answers: answers.collect(),
                counters: counters::of_envoy(
                    &self.suite,
                    experiment,
                    self.instance(number),
                    &stats,
                ),
                ejections,
            };
            (experiment.name.clone(), outcome)
        });
        named.collect()
    }

    /// What outlier detection did in an experiment's clusters while it was played.
    fn ejections(&self, number: usize, played: &Played, events: &[EjectionEvent]) -> Vec<Ejection> {
        let instance = self.instance(number);
        let names = self.suite.cluster_names().into_iter();
        let names: BTreeSet<String> = names.map(|name| instance.cluster_name(name)).collect();
        let own = events
            .iter()
            .filter(|event| names.contains(&event.cluster) && played.time.contains(&event.at));
        let told = own.filter_map(|event| {
            let at = event.at.duration_since(*played.time.start()).ok()?;
            Some(Ejection {
                at: u64::try_from(at.as_millis()).ok()?,
                host: self.host_at(&event.address)?,
                ejected: event.ejected,
            })
        });
        told.collect()
    }

    fn host_at(&self, address: &str) -> Option<String> {
        let mut hosts = self.servers.addresses().iter();
        let host = hosts.find(|(_, at)| at.to_string() == address);
        host.map(|(name, _)| name.clone())
    }

    fn instance(&self, number: usize) -> &Instance {
        self.instances.get(number).unwrap_or(&self.instances[0])
    }

    fn answer(&self, id: &str, logged: Option<&Logged>, response: client::Response) -> Answer {
        let received = self.servers.journal().received(id).into_iter();
        let received = received.map(|(_, received)| received);
        let (mut copies, received): (Vec<Received>, Vec<Received>) =
            received.partition(|one| one.is_copy);
        copies.sort_by(|a, b| a.host.cmp(&b.host));
        // Some are refused before they can be told from others.
        let refused = Logged {
            status: response.status,
            flags: "-".to_owned(),
            details: "not logged".to_owned(),
            ..Logged::default()
        };
        let logged = logged.cloned().unwrap_or(refused);
        Answer {
            status: logged.status,
            flags: logged.flags,
            details: logged.details,
            tries: logged.tries,
            host: self.host_at(&logged.upstream_host),
            lasted: logged.lasted,
            received,
            copies,
            headers: response.headers,
            body: response.body,
            truncated: response.truncated,
        }
    }
}

fn id(experiment: usize, number: usize) -> String {
    format!("{experiment}.{number}")
}

/// One experiment under way.
struct Playing<'a> {
    asking: &'a Asking,
    number: usize,
    clients: Clients,
    config: Config,
    begin: Instant,
    journal: Journal,
    /// Requests that have been sent, in order.
    sent: Vec<Sent>,
    /// The first of them that may be unanswered.
    next: usize,
}

/// A request that has been sent.
enum Sent {
    Running(JoinHandle<client::Response>),
    /// Nobody waits for it before the end.
    Aside(JoinHandle<client::Response>),
    Answered(client::Response),
}

impl Sent {
    async fn response(self) -> client::Response {
        match self {
            Self::Running(running) | Self::Aside(running) => {
                running.await.expect("a client that sends")
            }
            Self::Answered(response) => response,
        }
    }
}

/// An experiment that has been played.
struct Played {
    /// In the order of the requests.
    responses: Vec<client::Response>,
    time: RangeInclusive<SystemTime>,
}

impl<'a> Playing<'a> {
    fn new(asking: &'a Asking, number: usize) -> Self {
        Self {
            asking,
            number,
            clients: Clients::new(asking.instance(number).listener),
            config: asking.suite.config.clone(),
            begin: Instant::now(),
            journal: asking.servers.journal().clone(),
            sent: Vec::new(),
            next: 0,
        }
    }

    /// Plays all steps.
    async fn play(mut self) -> Played {
        let began = SystemTime::now();
        let experiment: &Experiment = &self.asking.suite.experiments[self.number];
        for step in &experiment.steps {
            match step.at {
                Some(at) => sleep_until(self.begin + Duration::from_millis(at)).await,
                None => self.wait_for_responses().await,
            }
            self.happen(step).await;
        }
        self.wait_for_responses().await;
        let time = began..=SystemTime::now();
        let mut responses = Vec::new();
        for sent in self.sent {
            responses.push(sent.response().await);
        }
        Played { responses, time }
    }

    async fn happen(&mut self, step: &Step) {
        if let Some(push) = &step.push {
            self.config = self.config.pushed(push);
            let asking = self.asking;
            let (instance, at) = (asking.instance(self.number), asking.servers.addresses());
            let mut files = asking.files.lock().await;
            files.push(&asking.envoy, instance, &self.config, at).await;
        }
        if let Some(host) = &step.stop {
            self.asking.servers.stop(host);
        }
        sleep(Duration::from_millis(step.wait.unwrap_or(0))).await;
        let mut next = Instant::now();
        for number in 0..step.count() {
            match step.pause() {
                Some(pause) => {
                    sleep_until(next).await;
                    next += Duration::from_millis(pause);
                }
                None => self.wait_for_responses().await,
            }
            self.send(step.numbered(number));
        }
    }

    fn send(&mut self, step: Step) {
        let id = id(self.number, self.sent.len());
        self.journal.announce(&id, &step.deeds);
        let clients = self.clients.clone();
        let is_aside = step.aside;
        let running = tokio::spawn(async move { clients.send(&step, &id).await });
        self.sent.push(match is_aside {
            true => Sent::Aside(running),
            false => Sent::Running(running),
        });
    }

    async fn wait_for_responses(&mut self) {
        for sent in &mut self.sent[self.next..] {
            if let Sent::Running(running) = sent {
                *sent = Sent::Answered(running.await.expect("a client that sends"));
            }
        }
        self.next = self.sent.len();
    }
}
