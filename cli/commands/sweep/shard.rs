//! A part of a sweep that one machine runs.

use std::collections::BTreeSet;
use std::fmt;
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

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The shards that these missing ones of `total` cells are, so many folders being there; none where a shard that is there
/// lacks some of its own.
pub(super) fn lacking(missing: &[usize], total: usize, folders: usize) -> Vec<Shard> {
    let missing: BTreeSet<usize> = missing.iter().copied().collect();
    for count in folders + 1..=folders + missing.len() {
        let all = (1..=count).map(|index| Shard { index, count });
        let lacking: Vec<Shard> = all
            .filter(|shard| missing.contains(&(shard.index - 1)))
            .collect();
        let of_lacking = |cell: &usize| lacking.iter().any(|shard| shard.holds(*cell));
        if lacking.len() == count - folders
            && (0..total).filter(of_lacking).eq(missing.iter().copied())
        {
            return lacking;
        }
    }
    Vec::new()
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
    fn missing_shards_are_known_by_their_cells() {
        let lacking = |missing: &[usize], total, folders| -> Vec<String> {
            let shards = super::lacking(missing, total, folders).into_iter();
            shards.map(|shard| shard.to_string()).collect()
        };
        assert_eq!(lacking(&[1, 4, 7, 10], 12, 2), ["2/3"]);
        assert_eq!(lacking(&[0, 2, 3, 5, 6], 7, 1), ["1/3", "3/3"]);
        let none: [String; 0] = [];
        assert_eq!(lacking(&[1, 4], 12, 2), none, "a shard is not finished");
        assert_eq!(lacking(&[5], 12, 3), none);
    }

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
