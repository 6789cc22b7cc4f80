//! A part of a sweep that one machine runs.

use std::str::FromStr;

/// The `index`-th of `count` parts, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Whether it has the cell of this number; parts differ by one cell at most.
    pub(crate) const fn holds(self, cell: usize) -> bool {
        cell % self.count == self.index - 1
    }
}

impl Default for Shard {
    /// All of the sweep.
    fn default() -> Self {
        Self { index: 1, count: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some((index.parse::<usize>().ok()?, count.parse::<usize>().ok()?))
        });
        match numbers {
            Some((index, count)) if 1 <= index && index <= count => Ok(Self { index, count }),
            Some(_) | None => Err("write it as in `2/4`: the second of four shards".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=4)
            .map(|i| format!("{i}/4").parse().expect("valid"))
            .collect();
        for cell in 0..50 {
            assert_eq!(shards.iter().filter(|shard| shard.holds(cell)).count(), 1);
        }
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
