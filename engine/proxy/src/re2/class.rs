//! Sets of bytes: what a character class means when each character is a Latin-1 byte.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind};

/// A set of bytes under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) fn of(ranges: &[(u8, u8)]) -> Self {
        let mut set = Self::default();
        for (low, high) in ranges {
            set.add(*low, *high);
        }
        set
    }

    pub(super) fn add(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & 1 << (byte & 63) != 0
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    pub(super) fn negated(mut self) -> Self {
        for word in &mut self.0 {
            *word = !*word;
        }
        self
    }

    /// The set with the other case of each letter, Latin-1's letters included.
    pub(super) fn folded(mut self) -> Self {
        for byte in 0..=255 {
            if self.contains(byte)
                && let Some(other) = other_case(byte)
            {
                self.add(other, other);
            }
        }
        self
    }

    pub(super) fn into_hir(self) -> Hir {
        let bytes = (0..=255).filter(|byte| self.contains(*byte));
        Hir::class(Class::Bytes(ClassBytes::new(
            bytes.map(|byte| ClassBytesRange::new(byte, byte)),
        )))
    }
}

/// The other case of a Latin-1 letter, if it is Latin-1 too.
pub(super) fn other_case(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' | 0xE0..=0xF6 | 0xF8..=0xFE => Some(byte - 32),
        b'A'..=b'Z' | 0xC0..=0xD6 | 0xD8..=0xDE => Some(byte + 32),
        _ => None,
    }
}

/// `\d`, `\s`, `\w`.
pub(super) fn perl(letter: u8) -> Option<ByteSet> {
    let set = match letter.to_ascii_lowercase() {
        b'd' => ByteSet::of(&[(b'0', b'9')]),
        b's' => ByteSet::of(&[(b'\t', b'\n'), (0x0C, b'\r'), (b' ', b' ')]),
        b'w' => ByteSet::of(&WORD),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() {
        set.negated()
    } else {
        set
    })
}

/// `[:alpha:]` and its kin.
pub(super) fn posix(name: &str) -> Option<ByteSet> {
    let ranges: &[(u8, u8)] = match name {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7F)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1F), (0x7F, 0x7F)],
        "digit" => &[(b'0', b'9')],
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => &WORD,
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    };
    Some(ByteSet::of(ranges))
}

/// `\p{name}`: the members of a general category or script among the first 256 code points.
pub(super) fn unicode(name: &str) -> Option<ByteSet> {
    if name == "Any" {
        return Some(ByteSet::default().negated());
    }
    // RE2 knows categories and scripts by their usual spelling only.
    if !name.starts_with(|c: char| c.is_ascii_uppercase())
        || !name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        || name.starts_with("Is")
        || PROPERTIES.contains(&name)
    {
        return None;
    }
    let hir = regex_syntax::parse(&format!("\\p{{{name}}}")).ok()?;
    let mut set = ByteSet::default();
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.ranges() {
                if let Ok(low) = u8::try_from(u32::from(range.start())) {
                    set.add(low, u8::try_from(u32::from(range.end())).unwrap_or(u8::MAX));
                }
            }
        }
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.ranges() {
                set.add(range.start(), range.end());
            }
        }
        _ => {}
    }
    Some(set)
}

const WORD: [(u8, u8); 4] = [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

/// Names that Rust's tables take and RE2's do not.
const PROPERTIES: [&str; 5] = [
    "Alphabetic",
    "Lowercase",
    "Uppercase",
    "White_Space",
    "Assigned",
];
