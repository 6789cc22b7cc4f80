//! How requests are paced: open loads at a rate that stays or changes, closed ones with users or as fortio makes them.

use crate::distribution;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::{Distribution, SimDuration, SimTime};
use sim::plan::{Arrivals, Load};
use sim::profile::{Bursts, Piece, Profile, Wave};

/// A load, and when it stops by itself.
#[derive(Clone, Debug)]
pub(crate) struct Paced {
    /// The load.
    pub(crate) load: Load,
    /// How long it lasts from its start; none: as its source says.
    pub(crate) lasts: Option<SimDuration>,
}

/// `load`
pub(crate) const LOAD: Field = field(
    "load",
    Shape::List(&A_STAGE),
    "Instead of `rate`: rates from given times on, as steps and ramps, such as `[{at: 0s, rate: 10/s}, {at: 60s, rate: \
     200/s, ramp: true}]`. Nothing comes before the first, and the last one holds until the end.",
);
/// `bursts`
pub(crate) const BURSTS_FIELD: Field = field(
    "bursts",
    Shape::Object(&BURSTS),
    "Instead of `rate`: bursts and pauses that follow each other, a burst first.",
);
/// `diurnal`
pub(crate) const DIURNAL_FIELD: Field = field(
    "diurnal",
    Shape::Object(&DIURNAL),
    "Instead of `rate`: a rate that swings like day and night.",
);
/// `fortio`
pub(crate) const FORTIO_FIELD: Field = field(
    "fortio",
    Shape::Text,
    "A closed load as `fortio load` makes it, with its flags, such as `-c 2 -qps 0 -n 20`: `-c` connections (4 if not \
     written) that each send, wait for the response, and send again when their share of `-qps` says so (8 a second in all \
     if not written, 0 for as fast as they can), until `-n` requests are made in all, of which the first connection makes \
     those left over, or for `-t` (`5s`).",
);

static A_STAGE: Shape = Shape::Object(&STAGE);

static STAGE: Object = Object {
    name: "stage",
    about: "A rate from a time on.",
    fields: &[
        field(
            "at",
            Shape::Duration,
            "From when on, from the source's `start`; `0s` if not written.",
        ),
        field("rate", Shape::Rate, "The rate; `0/s` for none."),
        field(
            "ramp",
            Shape::Boolean,
            "The rate moves evenly from that of the stage before to this one, which it reaches `at` this time; a step if \
             not written.",
        ),
    ],
    required: &["rate"],
    one_of: &[],
};

static BURSTS: Object = Object {
    name: "bursts",
    about: "Phases of high and low load.",
    fields: &[
        field("length", Shape::Distribution, "How long each burst lasts."),
        field("pause", Shape::Distribution, "How long each pause lasts."),
        field("rate", Shape::Rate, "The rate in bursts."),
        field(
            "pauseRate",
            Shape::Rate,
            "The rate in pauses; `0/s` if not written.",
        ),
    ],
    required: &["length", "pause", "rate"],
    one_of: &[],
};

static DIURNAL: Object = Object {
    name: "diurnal",
    about: "A rate that follows a sine wave.",
    fields: &[
        field("mean", Shape::Rate, "The mean rate."),
        field(
            "amplitude",
            Shape::Percentage,
            "How far it swings, in parts of the mean: `80%` goes from a fifth of the mean to nearly twice of it.",
        ),
        field(
            "period",
            Shape::Duration,
            "From one peak to the next; `24h` if not written.",
        ),
        field(
            "peak",
            Shape::Duration,
            "The first peak, from the source's `start`; half a period if not written.",
        ),
    ],
    required: &["mean", "amplitude"],
    one_of: &[],
};

/// The fields of which each paces requests in its own way.
pub(crate) const KINDS: [&str; 6] = ["rate", "load", "bursts", "diurnal", "users", "fortio"];

/// Reads how requests are paced that do not say when they are sent.
pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Paced> {
    let mut written = KINDS.iter().filter_map(|name| fields.get(name));
    let (Some(kind), other) = (written.next(), written.next()) else {
        reader.missing(fields, "`rate`, `users` or `requests` that say `at`");
        return None;
    };
    if let Some(other) = other {
        let (one, two) = (kind.name(), other.name());
        let message = format!("`{one}` and `{two}` exclude each other: give one");
        reader.invalid(&other, message, "");
        return None;
    }
    let is_open = !["users", "fortio"].contains(&kind.name());
    refuse_others(reader, fields, kind.name(), is_open);
    let arrivals = fields
        .get("arrivals")
        .and_then(|node| reader.word(&node, &["poisson", "constant"]));
    let arrivals = match arrivals {
        Some("constant") => Arrivals::Constant,
        _ => Arrivals::Poisson,
    };
    let varying = |rate: Profile| Load::Varying { rate, arrivals };
    let load = match kind.name() {
        "rate" => Load::Open {
            rate: reader.rate(&kind)?,
            arrivals,
        },
        "load" => varying(read_stages(reader, &kind)?),
        "bursts" => varying(read_bursts(reader, &kind)?),
        "diurnal" => varying(read_diurnal(reader, &kind)?),
        "users" => read_users(reader, fields, &kind)?,
        _ => return read_fortio(reader, &kind),
    };
    Some(Paced { load, lasts: None })
}

fn refuse_others(reader: &mut Reader, fields: &Fields<'_>, kind: &str, is_open: bool) {
    for name in ["thinkTime", "each"] {
        if let Some(node) = fields.get(name)
            && kind != "users"
        {
            reader.invalid(&node, format!("`{name}` goes with `users`"), "");
        }
    }
    if let Some(node) = fields.get("arrivals")
        && !is_open
    {
        reader.invalid(&node, "`arrivals` goes with `rate`".to_owned(), "");
    }
}

fn read_stages(reader: &mut Reader, node: &Cursor<'_>) -> Option<Profile> {
    let stages = reader.list(node, |reader, item| {
        let fields = reader.object(item, &STAGE)?;
        let at = match fields.get("at") {
            Some(node) => reader.time(&node)?,
            None => SimTime::ZERO,
        };
        let rate = reader.rate_or_zero(&fields.get("rate")?)?;
        let ramp = match fields.get("ramp") {
            Some(node) => reader.boolean(&node)?,
            None => false,
        };
        Some((at, rate, ramp, item.clone()))
    });
    let mut pieces: Vec<Piece> = Vec::new();
    // The rate before a source starts is none.
    let (mut before, mut rate_before) = (SimTime::ZERO, 0.0);
    for (place, (at, rate, ramp, item)) in stages.iter().enumerate() {
        if place > 0 && *at <= before {
            let message = format!("{at} is not later than the stage before, at {before}");
            reader.invalid(item, message, "write stages in order of time");
            return None;
        }
        if *ramp && *at > SimTime::ZERO {
            let slope = (rate - rate_before) / at.since(before).as_secs_f64();
            pieces.retain(|piece| piece.from < before.since(SimTime::ZERO));
            pieces.push(Piece {
                from: before.since(SimTime::ZERO),
                begins: rate_before,
                slope,
            });
        }
        pieces.push(Piece {
            from: at.since(SimTime::ZERO),
            begins: *rate,
            slope: 0.0,
        });
        (before, rate_before) = (*at, *rate);
    }
    if stages.is_empty() {
        if node.is_empty_list() {
            let message = "`load` is empty".to_owned();
            reader.invalid(node, message, "give at least one stage");
        }
        return None;
    }
    if pieces
        .iter()
        .all(|piece| piece.begins == 0.0 && piece.slope == 0.0)
    {
        reader.invalid(
            node,
            "`load` never has a rate above zero".to_owned(),
            "give a stage a rate such as `50/s`",
        );
        return None;
    }
    Some(Profile::Pieces(pieces))
}

fn read_bursts(reader: &mut Reader, node: &Cursor<'_>) -> Option<Profile> {
    let fields = reader.object(node, &BURSTS)?;
    let phase = |reader: &mut Reader, name: &str| {
        let node = fields.get(name)?;
        let length = distribution::read(reader, &node)?;
        if length.mean_seconds() > 0.0 {
            return Some(length);
        }
        reader.invalid(&node, "a phase longer than zero is expected".to_owned(), "");
        None
    };
    let (on, off) = (phase(reader, "length"), phase(reader, "pause"));
    let rate = fields.get("rate").and_then(|node| reader.rate(&node));
    let off_rate = match fields.get("pauseRate") {
        Some(node) => reader.rate_or_zero(&node)?,
        None => 0.0,
    };
    Some(Profile::Bursts(Bursts {
        on: on?,
        off: off?,
        rate: rate?,
        off_rate,
    }))
}

fn read_diurnal(reader: &mut Reader, node: &Cursor<'_>) -> Option<Profile> {
    let fields = reader.object(node, &DIURNAL)?;
    let mean = fields.get("mean").and_then(|node| reader.rate(&node));
    let amplitude = fields
        .get("amplitude")
        .and_then(|node| reader.percentage(&node));
    let period = match fields.get("period") {
        Some(node) => reader.positive_duration(&node)?,
        None => DAY,
    };
    let peak = match fields.get("peak") {
        Some(node) => reader.duration(&node)?,
        None => period / 2,
    };
    let mean = mean?;
    Some(Profile::Wave(Wave {
        mean,
        amplitude: mean * amplitude?,
        period,
        peak,
    }))
}

const DAY: SimDuration = SimDuration::from_secs(86_400);

fn read_users(reader: &mut Reader, fields: &Fields<'_>, node: &Cursor<'_>) -> Option<Load> {
    let think_time = fields
        .get("thinkTime")
        .and_then(|node| distribution::read(reader, &node));
    let each = fields.get("each").and_then(|node| reader.whole(&node, 1));
    Some(Load::Closed {
        users: read_number_of_users(reader, node)?,
        think_time: think_time.unwrap_or(Distribution::ZERO),
        each,
        more: 0,
        pace: None,
    })
}

/// Reads a number of users.
pub(crate) fn read_number_of_users(reader: &mut Reader, node: &Cursor<'_>) -> Option<u32> {
    let users = reader.whole(node, 1)?;
    if users <= MAX_USERS {
        return Some(users);
    }
    reader.invalid(
        node,
        format!("`{users}` is out of range: expected 1 to {MAX_USERS}"),
        "write a `rate` for the requests of many users",
    );
    None
}

/// Reads a number of users that may be none for a while.
pub(crate) fn read_users_or_none(reader: &mut Reader, node: &Cursor<'_>) -> Option<u32> {
    reader.whole_within(node, 0, MAX_USERS)
}

/// Each user takes a place in memory for the whole run.
const MAX_USERS: u32 = 10_000_000;

/// What the flags of `fortio load` say.
struct Fortio {
    connections: u32,
    /// Requests of all connections together; none: as many as fit.
    total: Option<u32>,
    /// Requests a second of all connections together; zero: as fast as they can.
    qps: f64,
    /// How long; zero: for ever.
    lasts: SimDuration,
}

fn read_fortio(reader: &mut Reader, node: &Cursor<'_>) -> Option<Paced> {
    let text = reader.text(node)?;
    let Fortio {
        connections,
        total,
        qps,
        lasts,
    } = match fortio(&text) {
        Ok(flags) => flags,
        Err((message, help)) => {
            reader.invalid(node, message, help);
            return None;
        }
    };
    if let Some(total) = total
        && total < connections
    {
        let message = format!("{total} requests are fewer than the {connections} connections");
        reader.invalid(node, message, "give fewer connections: `-c`");
        return None;
    }
    let pace = (qps > 0.0).then(|| SimDuration::from_secs_f64(f64::from(connections) / qps));
    Some(Paced {
        load: Load::Closed {
            users: connections,
            think_time: Distribution::ZERO,
            each: total.map(|total| total / connections),
            more: total.map_or(0, |total| total % connections),
            pace,
        },
        lasts: (total.is_none() && !lasts.is_zero()).then_some(lasts),
    })
}

/// Reads flags as Go does: `-c 4`, `-c=4`, `--c 4`.
fn fortio(text: &str) -> Result<Fortio, (String, String)> {
    let mut flags = Fortio {
        connections: 4,
        total: None,
        qps: 8.0,
        lasts: SimDuration::from_secs(5),
    };
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            let help = "give the flags alone, such as `-c 2 -qps 0 -n 20`".to_owned();
            return Err((format!("`{word}` is not a flag"), help));
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        if !["c", "n", "qps", "t"].contains(&name) {
            let help = "`-c`, `-n`, `-qps` and `-t` are known".to_owned();
            return Err((format!("the flag `-{name}` is not simulated"), help));
        }
        let Some(value) = value.or_else(|| words.next()) else {
            return Err((format!("the flag `-{name}` lacks its value"), String::new()));
        };
        let wrong = || (format!("`{value}` is no value of `-{name}`"), String::new());
        match name {
            "c" => {
                let count = value.parse().ok().filter(|c| (1..=MAX_USERS).contains(c));
                flags.connections = count.ok_or_else(wrong)?;
            }
            "n" => {
                let total = value.parse().ok().filter(|total| *total > 0);
                flags.total = Some(total.ok_or_else(wrong)?);
            }
            "qps" => {
                let qps = value.parse().ok().filter(|qps: &f64| qps.is_finite());
                // Fortio takes what is below zero for as fast as it can, too.
                flags.qps = qps.ok_or_else(wrong)?.max(0.0);
            }
            _ => flags.lasts = value.parse().map_err(|_| wrong())?,
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Times;
    use manifest::{Source, read_node};

    fn pieces(text: &str) -> Vec<(u64, f64, f64)> {
        let node = read_node(&Source::new("s", text)).expect("YAML");
        let times = Times {
            warm_up: SimDuration::ZERO,
            duration: DAY,
        };
        let mut reader = Reader::new("default".to_owned(), times);
        let Some(Profile::Pieces(pieces)) = read_stages(&mut reader, &Cursor::root(&node)) else {
            panic!("{:?}", reader.into_diagnostics());
        };
        let whole = |piece: &Piece| {
            (
                piece.from.as_nanos() / 1_000_000_000,
                piece.begins,
                piece.slope,
            )
        };
        pieces.iter().map(whole).collect()
    }

    #[test]
    fn stages_become_steps_and_ramps() {
        assert_eq!(pieces("[{rate: 10/s}]"), [(0, 10.0, 0.0)]);
        assert_eq!(
            pieces("[{rate: 10/s}, {at: 60s, rate: 190/s, ramp: true}]"),
            [(0, 10.0, 3.0), (60, 190.0, 0.0)]
        );
        assert_eq!(
            pieces("[{at: 5s, rate: 1/s}, {at: 10s, rate: 50/s}, {at: 20s, rate: 1/s}]"),
            [(5, 1.0, 0.0), (10, 50.0, 0.0), (20, 1.0, 0.0)]
        );
        assert_eq!(
            pieces("[{at: 10s, rate: 20/s, ramp: true}, {at: 20s, rate: 0/s, ramp: true}]"),
            [(0, 0.0, 2.0), (10, 20.0, -2.0), (20, 0.0, 0.0)]
        );
    }
}
