//! Where a proxy draws random numbers: one site per decision, so that no decision moves another's dice.
//!
//! Numbers are keyed by the request's identity and the site, and used with Envoy's own moduli. Whatever Envoy derives
//! from one number is derived from one number here: a request's weighted cluster and its mirrors share [`STREAM`].

use base::Draws;

/// The request's own random value: weighted clusters and mirrors.
pub(crate) const STREAM: u32 = 1 << 16;
/// Whether a delay is injected.
pub(crate) const FAULT_DELAY: u32 = 2 << 16;
/// Whether an abort is injected.
pub(crate) const FAULT_ABORT: u32 = 3 << 16;
/// Which host a try goes to; the try's number is added.
pub(crate) const PICK: u32 = 4 << 16;
/// Which priority a try goes to; the try's number is added.
pub(crate) const PRIORITY: u32 = 5 << 16;
/// How long the pause before a retry is; the retried try's number is added.
pub(crate) const BACK_OFF: u32 = 6 << 16;
/// Which host a mirrored copy goes to; the mirror's position is added.
pub(crate) const MIRROR_PICK: u32 = 7 << 16;
/// Which priority a mirrored copy goes to; the mirror's position is added.
pub(crate) const MIRROR_PRIORITY: u32 = 8 << 16;
/// A cluster's start in its rotation.
pub(crate) const LB_SEED: u32 = 9 << 16;
/// A cluster's start in its rotation of localities.
pub(crate) const LOCALITY_SEED: u32 = 10 << 16;
/// Whether a detected host is ejected.
pub(crate) const ENFORCING: u32 = 11 << 16;
/// Whether a request is dropped as its endpoints' policy says.
pub(crate) const DROP: u32 = 12 << 16;
/// How much longer an ejection lasts.
pub(crate) const EJECTION_JITTER: u32 = 20 << 16;

/// One number.
#[inline]
pub(crate) fn draw(key: u64, identity: u64, site: u32) -> u64 {
    Draws::new(key, identity, site).next_u64()
}
