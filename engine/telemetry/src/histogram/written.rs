//! Histograms in files.

use super::{Histogram, PackedHistogram, index_of};
use serde::{Deserialize, Serialize};

/// The form of a histogram in files.
#[derive(Serialize, Deserialize)]
struct Written {
    count: u64,
    /// In decimal: JSON's numbers end earlier.
    sum_ns: String,
    min_ns: u64,
    max_ns: u64,
    max_count: u64,
    /// Index and count of each bucket that is not empty.
    buckets: Vec<(usize, u64)>,
}

impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            count: self.count,
            sum_ns: self.sum.to_string(),
            min_ns: self.min,
            max_ns: self.max,
            max_count: self.max_count,
            buckets: self.buckets().collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let sum = written.sum_ns.parse().map_err(serde::de::Error::custom)?;
        let counted: u64 = written
            .buckets
            .iter()
            .fold(0, |total, (_, count)| total.saturating_add(*count));
        let (least, greatest) = (index_of(written.min_ns), index_of(written.max_ns));
        let first = written.buckets.first().map(|(index, _)| *index);
        let last = written.buckets.last().map(|(index, _)| *index);
        let bounded = counted == 0 || (first, last) == (Some(least), Some(greatest));
        let ordered = written.buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if counted != written.count || !bounded || !ordered {
            return Err(serde::de::Error::custom(
                "`buckets` do not agree with `count`, `min_ns` and `max_ns`",
            ));
        }
        let mut histogram = Self {
            count: written.count,
            sum,
            min: written.min_ns,
            max: written.max_ns,
            max_count: written.max_count,
            ..Self::default()
        };
        for (index, count) in written.buckets {
            histogram.add(index, count);
        }
        Ok(histogram)
    }
}

impl Serialize for PackedHistogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackedHistogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Histogram::deserialize(deserializer).map(|histogram| histogram.pack())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_agree_is_refused() {
        let written = |count: u64, min_ns: u64| {
            format!(
                r#"{{"count":{count},"sum_ns":"300","min_ns":{min_ns},"max_ns":200,"max_count":1,
                    "buckets":[[100,1],[200,1]]}}"#
            )
        };
        let read = |text: &str| serde_json::from_str::<Histogram>(text);
        let histogram = read(&written(2, 100)).expect("its parts agree");
        assert_eq!(histogram.sum_nanos(), 300);
        for text in [written(3, 100), written(2, 99), "{}".to_owned()] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
