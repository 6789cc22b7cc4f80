//! Which exercises an exam asks for: by its number alone, in the curriculum's weights.
//!
//! An exercise has a rank that follows from the number of the exam and its own name, so that new exercises change as little
//! as can be of the exams that were drawn before.

use std::collections::BTreeMap;

use base::Seed;

use super::super::curriculum::{DOMAINS, Domain};
use super::super::exercise::Exercise;

/// Draws at most so many exercises, in the order in which they are asked.
pub(super) fn draw(all: &[Exercise], seed: u64, tasks: usize) -> Vec<&Exercise> {
    let ranks = Seed::new(seed);
    let domains: Vec<(&Domain, Vec<&Exercise>)> = DOMAINS
        .iter()
        .filter(|domain| domain.simulated)
        .map(|domain| (domain, spread(domain, domain.exercises(all), ranks)))
        .collect();
    let stock: Vec<(usize, usize)> = (domains.iter())
        .map(|(domain, own)| (domain.weight, own.len()))
        .collect();
    let mut drawn: Vec<&Exercise> = (domains.iter().zip(quotas(&stock, tasks)))
        .flat_map(|((_, own), quota)| own.iter().copied().take(quota))
        .collect();
    drawn.sort_by_key(|exercise| ranks.key(&format!("order {}", exercise.id)));
    drawn
}

/// How many tasks each domain gets, by its weight and as far as its exercises go: each next task is for the one that is
/// furthest behind its weight.
fn quotas(stock: &[(usize, usize)], tasks: usize) -> Vec<usize> {
    let mut quotas = vec![0; stock.len()];
    for _ in 0..tasks {
        let behind = (0..stock.len())
            .filter(|&domain| quotas[domain] < stock[domain].1)
            // The one with the least (quota + 1/2) / weight, as Sainte-Laguë's rule for seats has it.
            .min_by(|&a, &b| {
                let turn = |domain: usize, other: usize| (2 * quotas[domain] + 1) * stock[other].0;
                turn(a, b).cmp(&turn(b, a))
            });
        let Some(behind) = behind else {
            break;
        };
        quotas[behind] += 1;
    }
    quotas
}

/// Exercises in the order in which a domain gives them: first one of each competency, then as many of each as there are
/// exercises that train it, so that those of a small competency are not in every exam. An exercise counts for all that it
/// trains; ranks decide between those of one competency.
fn spread<'a>(domain: &Domain, own: Vec<&'a Exercise>, ranks: Seed) -> Vec<&'a Exercise> {
    let mut left = own;
    left.sort_by_key(|exercise| ranks.key(&exercise.id));
    let prefix = domain.prefix;
    let trained = |exercise: &'a Exercise| {
        let all = exercise.competencies.iter().map(String::as_str);
        all.filter(move |competency| competency.starts_with(prefix))
    };
    let mut stock: BTreeMap<&str, usize> = BTreeMap::new();
    for competency in left.iter().copied().flat_map(trained) {
        *stock.entry(competency).or_default() += 1;
    }
    let mut rarest: Vec<&str> = stock.keys().copied().collect();
    rarest.sort_by_key(|competency| stock[competency]);
    let mut rarest = rarest.into_iter();
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order = Vec::new();
    while !left.is_empty() {
        let untrained = rarest.find(|competency| !given.contains_key(competency));
        let next = match untrained {
            Some(competency) => {
                (left.iter().copied()).position(|one| trained(one).any(|own| own == competency))
            }
            None => {
                let turn = |exercise: &Exercise| {
                    let competency = exercise.competency();
                    (
                        2 * given.get(competency).copied().unwrap_or(0) + 1,
                        stock[competency],
                    )
                };
                // The first of equal ones, which has the lowest rank.
                (0..left.len()).min_by(|&a, &b| {
                    let ((a, of_a), (b, of_b)) = (turn(left[a]), turn(left[b]));
                    (a * of_b).cmp(&(b * of_a))
                })
            }
        };
        let next = left.remove(next.unwrap_or(0));
        for competency in trained(next) {
            *given.entry(competency).or_default() += 1;
        }
        order.push(next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::super::exercise::{Guards, Level};
    use super::super::super::library::Library;
    use super::*;

    #[test]
    fn weights_are_kept_within_one_task() {
        assert_eq!(quotas(&[(35, 45), (20, 15)], 16), [10, 6]);
        for tasks in 1..40 {
            let quotas = quotas(&[(35, 45), (20, 15)], tasks);
            let exact = tasks as f64 * 35.0 / 55.0;
            assert!(
                (quotas[0] as f64 - exact).abs() < 1.0,
                "{tasks}: {quotas:?}"
            );
        }
    }

    #[test]
    fn what_a_domain_lacks_the_other_gives() {
        assert_eq!(quotas(&[(35, 45), (20, 2)], 16), [14, 2]);
        assert_eq!(quotas(&[(35, 3), (20, 2)], 16), [3, 2]);
    }

    #[test]
    fn an_exam_is_spread_over_competencies_and_follows_from_its_number() {
        let all = catalogue();
        let ids = |seed| {
            let drawn = draw(&all, seed, 16).into_iter();
            drawn
                .map(|exercise| exercise.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
        for seed in 0..50 {
            let drawn = draw(&all, seed, 16);
            let count = |competency: &str| {
                let own = drawn.iter();
                own.filter(|exercise| exercise.competency() == competency)
                    .count()
            };
            assert_eq!(drawn.len(), 16);
            for number in 1..=7 {
                let count = count(&format!("TM{number}"));
                assert!((1..=2).contains(&count), "TM{number}: {count}");
            }
            assert_eq!((count("TS1"), count("TS3"), count("SEC1")), (3, 3, 0));
        }
    }

    #[test]
    fn no_exercise_is_in_most_exams() {
        let library = Library::open(None).expect("it comes with the binary");
        let all = library.all().expect("they can be read");
        let exams = 1000;
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for seed in 0..exams {
            let drawn = draw(&all, seed as u64, 16);
            let troubleshooting = (drawn.iter())
                .filter(|exercise| exercise.competency().starts_with("TS"))
                .count();
            assert_eq!((drawn.len(), troubleshooting), (16, 6));
            for exercise in drawn {
                *times.entry(&exercise.id).or_default() += 1;
            }
        }
        for (id, times) in times {
            assert!(2 * times <= exams, "{id} is in {times} of {exams} exams");
        }
    }

    /// Six exercises of each of several competencies.
    fn catalogue() -> Vec<Exercise> {
        let competencies = [
            "TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7", "TS1", "TS3", "SEC1",
        ];
        let all = competencies.iter().flat_map(|competency| {
            (0..6).map(move |number| Exercise {
                id: format!("{competency}-{number}"),
                number,
                title: String::new(),
                level: Level::Beginner,
                competencies: vec![(*competency).to_owned()],
                kits: Vec::new(),
                guards: Guards::default(),
                hidden_load: 1.0,
                task: String::new(),
                hints: Vec::new(),
                checks: Vec::new(),
                start: BTreeMap::new(),
                world: BTreeMap::new(),
                solutions: BTreeMap::new(),
                wrong: BTreeMap::new(),
            })
        });
        all.collect()
    }
}
