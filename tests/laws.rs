//! Laws that any honest simulator of queues keeps: conservation, Little, and closed forms of queueing theory.

use crate::support::{PlainWorld, Sums, poisson, server};
use base::{Distribution, SimDuration, SimTime};
use sim::World;
use sim::plan::Load;

fn exponential_ms(mean: u64) -> Distribution {
    Distribution::Exponential {
        mean: SimDuration::from_millis(mean),
    }
}

fn constant_ms(value: u64) -> Distribution {
    Distribution::Constant(SimDuration::from_millis(value))
}

/// Runs one Poisson load against one pod; gives the sums and checks that nothing is lost.
fn station(rate: f64, workers: u32, service: Distribution, seconds: u64) -> Sums {
    let mut world = PlainWorld::new(1, seconds);
    world.workload("client", 1, server(None, Distribution::ZERO));
    let target = world.workload("server", 1, server(Some(workers), service));
    let site = world.site("client", target);
    world.load(site, poisson(rate));
    let mut sums = Sums {
        warm_up: SimTime::from_nanos(10_000_000_000),
        ..Sums::default()
    };
    let mut run = World::new(&world.plan, &mut sums);
    run.run_until(SimTime::ZERO + world.plan.duration);
    let (tally, in_flight) = (run.tally(), run.in_flight());
    assert_eq!(
        tally.begun,
        tally.ended + in_flight,
        "arrivals = completed + in flight"
    );
    sums
}

fn assert_close(what: &str, observed: f64, exact: f64, tolerance: f64) {
    assert!(
        (observed / exact - 1.0).abs() < tolerance,
        "{what}: {observed} against {exact}"
    );
}

#[test]
fn m_m_1_meets_its_closed_form() {
    // W = 1 / (mu - lambda).
    let sums = station(800.0, 1, exponential_ms(1), 2_500);
    assert_close("M/M/1", sums.mean(), 0.005, 0.02);
}

#[test]
fn m_m_c_meets_erlang_c() {
    for (workers, rate, exact_in_service_times) in
        [(2, 0.8, 2.77778), (4, 0.8, 1.74554), (10, 0.9, 1.66873)]
    {
        let arrivals = rate * f64::from(workers) * 1000.0;
        let sums = station(arrivals, workers, exponential_ms(1), 600);
        assert_close(
            &format!("M/M/{workers}"),
            sums.mean(),
            exact_in_service_times * 1e-3,
            0.02,
        );
    }
}

#[test]
fn m_d_1_meets_pollaczek_and_khinchine() {
    // W = D + rho D / (2 (1 - rho)).
    let sums = station(800.0, 1, constant_ms(1), 1_000);
    assert_close("M/D/1", sums.mean(), 1e-3 * (1.0 + 0.8 / 0.4), 0.02);
}

#[test]
fn little_holds_at_a_station() {
    let sums = station(700.0, 1, exponential_ms(1), 1_000);
    let seconds = 1_000.0;
    let present = sums.present as f64 / 1e9 / seconds;
    let arrivals = sums.journeys as f64 / (seconds - 10.0);
    assert_close("L = lambda W", present, arrivals * sums.mean(), 0.02);
}

#[test]
fn a_closed_load_meets_the_machine_repair_bound() {
    // N users who never think keep one worker always busy: N customers in the system, W = N x service.
    let mut world = PlainWorld::new(3, 200);
    world.workload("client", 1, server(None, Distribution::ZERO));
    let target = world.workload("server", 1, server(Some(1), exponential_ms(2)));
    let site = world.site("client", target);
    world.load(
        site,
        Load::Closed {
            users: 5,
            think_time: Distribution::ZERO,
            each: None,
            more: 0,
            pace: None,
        },
    );
    let mut sums = Sums::default();
    let mut run = World::new(&world.plan, &mut sums);
    run.run_until(SimTime::ZERO + world.plan.duration);
    assert_eq!(run.in_flight(), 5);
    assert_close("closed", sums.mean(), 0.010, 0.02);
}

#[test]
fn a_chain_adds_its_times_and_counts_each_hop_once() {
    let mut world = PlainWorld::new(4, 100);
    world.workload("client", 1, server(None, Distribution::ZERO));
    let web = world.workload("web", 1, server(None, constant_ms(3)));
    let db = world.workload("db", 1, server(None, constant_ms(2)));
    let to_db = world.site("default/web", db);
    world.calls(1, to_db);
    let site = world.site("client", web);
    world.load(site, poisson(50.0));
    let mut sums = Sums::default();
    let mut run = World::new(&world.plan, &mut sums);
    run.run_until(SimTime::ZERO + world.plan.duration);
    let tally = run.tally();
    assert_close("chain", sums.mean(), 0.005, 1e-9);
    assert!(tally.exchanges - 2 * tally.ended <= run_in_flight_bound());
    assert_eq!(sums.statuses.keys().copied().collect::<Vec<_>>(), [200]);
}

/// Requests between hops when the clock stops: far fewer than this at 50 a second and 5 ms.
fn run_in_flight_bound() -> u64 {
    10
}
