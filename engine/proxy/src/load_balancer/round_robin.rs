//! ROUND_ROBIN with equal weights: the list in its order, from a random start.

/// The next host; none if there is none.
#[inline]
pub(crate) fn pick(hosts: &[u32], cursor: &mut u64) -> Option<u32> {
    let position = cursor.checked_rem(hosts.len() as u64)?;
    *cursor = cursor.wrapping_add(1);
    Some(hosts[position as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_take_turns_from_any_start() {
        for start in [0, 1, 2, 7, u64::MAX - 3] {
            let mut cursor = start;
            let picks: Vec<u32> = (0..8)
                .filter_map(|_| pick(&[4, 5, 6, 7], &mut cursor))
                .collect();
            assert_eq!(picks[..4], picks[4..], "from {start}");
            let mut once = picks[..4].to_vec();
            once.sort_unstable();
            assert_eq!(once, [4, 5, 6, 7]);
        }
        assert_eq!(pick(&[], &mut 7), None);
    }
}
