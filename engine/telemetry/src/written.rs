//! How times and great numbers are written in files: nanoseconds as integers, sums as decimal text.

/// A [`SimTime`](base::SimTime) as nanoseconds.
pub(crate) mod time {
    use base::SimTime;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &SimTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_nanos())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SimTime, D::Error> {
        u64::deserialize(from).map(SimTime::from_nanos)
    }
}

/// A [`SimDuration`](base::SimDuration) as nanoseconds.
pub(crate) mod duration {
    use base::SimDuration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(span: &SimDuration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(span.as_nanos())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SimDuration, D::Error> {
        u64::deserialize(from).map(SimDuration::from_nanos)
    }
}

/// A [`SimDuration`](base::SimDuration) that may be missing.
pub(crate) mod maybe_duration {
    use base::SimDuration;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<SimDuration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(SimDuration::as_nanos).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SimDuration>, D::Error> {
        let nanos = Option::<u64>::deserialize(from)?;
        Ok(nanos.map(SimDuration::from_nanos))
    }
}

/// A sum as decimal text: JSON's numbers end earlier.
pub(crate) mod sum {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(sum: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sum)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
