//! The few types that every layer shares: virtual time, exact ratios, random draws, distributions, places in files.
//!
//! Everything here gives the same bits on every machine. Nothing here knows of meshes.

pub mod distribution;
pub mod id;
pub mod location;
pub mod math;
pub mod ratio;
pub mod rng;
mod size;
pub mod time;

pub use distribution::Distribution;
pub use location::Location;
pub use ratio::Ratio;
pub use rng::{Draws, Seed, Stream};
pub use size::Sizes;
pub use time::{SimDuration, SimTime};
