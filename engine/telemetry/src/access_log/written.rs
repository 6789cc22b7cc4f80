//! How the outcome of a try is written in files: a status, `abandoned`, or the reason of a reset in Envoy's words.

use super::TryOutcome;
use super::entry::words;
use proxy::input::ResetReason;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Status(u16),
    Word(String),
}

impl Serialize for TryOutcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Response(status) => Written::Status(*status),
            Self::Reset(reason) => Written::Word((*reason).to_owned()),
            Self::Abandoned => Written::Word(ABANDONED.to_owned()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TryOutcome {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Status(status) => Ok(Self::Response(status)),
            Written::Word(word) if word == ABANDONED => Ok(Self::Abandoned),
            Written::Word(word) => {
                let mut known = REASONS.into_iter().map(words);
                let reason = known.find(|known| *known == word);
                let unknown = || serde::de::Error::custom(format!("unknown outcome `{word}`"));
                reason.map(Self::Reset).ok_or_else(unknown)
            }
        }
    }
}

const ABANDONED: &str = "abandoned";

const REASONS: [ResetReason; 6] = [
    ResetReason::ConnectionFailure,
    ResetReason::ConnectionTimeout,
    ResetReason::ConnectionTermination,
    ResetReason::RemoteReset,
    ResetReason::RemoteRefusedStream,
    ResetReason::ProtocolError,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_read_as_it_was_written() {
        let resets = REASONS
            .into_iter()
            .map(|reason| TryOutcome::Reset(words(reason)));
        let others = [TryOutcome::Response(503), TryOutcome::Abandoned];
        for outcome in resets.chain(others) {
            let text = serde_json::to_string(&outcome).expect("it can be written");
            let read: TryOutcome = serde_json::from_str(&text).expect("it is ours");
            assert_eq!(read, outcome, "{text}");
        }
        assert!(serde_json::from_str::<TryOutcome>("\"lost\"").is_err());
    }
}
