//! A discrete-event kernel: events leave in time order, equal times in scheduling order.
//!
//! It decides *when* what was scheduled happens and nothing else: what an event means, and the world it changes,
//! belong to the caller. The same calls give the same events in the same order on every machine.
//!
//! ```
//! use base::{SimDuration, SimTime};
//! use kernel::{Calendar, End, Limits, TimerId, run};
//!
//! #[derive(Clone, Copy)]
//! enum Event {
//!     Arrival,
//!     Departure,
//!     Timeout,
//! }
//!
//! let mut calendar = Calendar::new();
//! calendar.schedule(SimTime::ZERO, Event::Arrival);
//! let (mut served, mut timed_out, mut timeout) = (0, 0, TimerId::NONE);
//! let summary = run(&mut calendar, Limits::NONE, |calendar, now, event| match event {
//!     Event::Arrival => {
//!         calendar.schedule(now + SimDuration::from_millis(5), Event::Departure);
//!         timeout = calendar.schedule_cancellable(now + SimDuration::from_secs(1), Event::Timeout);
//!     }
//!     Event::Departure => {
//!         served += 1;
//!         calendar.cancel(timeout);
//!     }
//!     Event::Timeout => timed_out += 1,
//! });
//! assert_eq!((summary.end, summary.events), (End::Idle, 2));
//! assert_eq!((served, timed_out), (1, 0));
//! ```

mod calendar;
mod fingerprint;
mod run;

pub use calendar::{Calendar, TimerId};
pub use fingerprint::{Fingerprint, Trail, first_divergence};
pub use run::{End, Limits, Summary, run};
