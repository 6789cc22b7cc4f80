//! Histograms in few bytes, for time series.

use super::{Exact, Histogram};

/// A [`Histogram`] at rest, in about two bytes for each bucket that is not empty.
///
/// Numbers of seven bits a byte, the last without the high bit: count, sum, least, greatest and how many of these, then
/// for each bucket its distance from the one before and its count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedHistogram(Box<[u8]>);

impl PackedHistogram {
    pub(super) fn of(histogram: &Histogram) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let mut bytes = Vec::with_capacity(64);
        write_number(&mut bytes, u128::from(histogram.count));
        write_number(&mut bytes, histogram.sum);
        write_number(&mut bytes, u128::from(histogram.min));
        write_number(&mut bytes, u128::from(histogram.max));
        write_number(&mut bytes, u128::from(histogram.max_count));
        let mut before = 0;
        for (index, count) in histogram.buckets() {
            write_number(&mut bytes, (index - before) as u128);
            write_number(&mut bytes, u128::from(count));
            before = index;
        }
        Self(bytes.into_boxed_slice())
    }

    /// How many durations it counted.
    pub fn count(&self) -> u64 {
        let mut bytes = &*self.0;
        if bytes.is_empty() {
            0
        } else {
            read_u64(&mut bytes)
        }
    }

    /// Adds what it counted to `histogram`.
    pub fn add_to(&self, histogram: &mut Histogram) {
        let mut bytes = &*self.0;
        if bytes.is_empty() {
            return;
        }
        histogram.add_facts(Exact {
            count: read_u64(&mut bytes),
            sum: read_number(&mut bytes),
            min: read_u64(&mut bytes),
            max: read_u64(&mut bytes),
            max_count: read_u64(&mut bytes),
        });
        let mut index = 0;
        while !bytes.is_empty() {
            index += read_number(&mut bytes) as usize;
            let count = read_u64(&mut bytes);
            histogram.add(index, count);
        }
    }

    /// The same, ready for questions.
    pub fn unpack(&self) -> Histogram {
        let mut histogram = Histogram::default();
        self.add_to(&mut histogram);
        histogram
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> u128 {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let (byte, rest) = bytes
            .split_first()
            .expect("a number ends where it was written");
        *bytes = rest;
        number |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return number;
        }
        shift += 7;
    }
}

fn read_u64(bytes: &mut &[u8]) -> u64 {
    u64::try_from(read_number(bytes)).expect("it was written from a u64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    #[test]
    fn packing_loses_nothing() {
        let mut histogram = Histogram::default();
        for place in 0..1_000_u64 {
            histogram.record(SimDuration::from_nanos(place * place * place * 977));
        }
        let packed = histogram.pack();
        assert_eq!(packed.count(), 1_000);
        assert_eq!(packed.unpack(), histogram);
        assert_eq!(Histogram::default().pack().unpack(), Histogram::default());
        let mut twice = packed.unpack();
        packed.add_to(&mut twice);
        assert_eq!(twice.count(), 2_000);
    }
}
