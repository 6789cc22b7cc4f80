//! RE2's grammar with its default (Perl-like) flags, read byte by byte.

use super::Re2Error;
use super::class::{ByteSet, other_case, perl, posix, unicode};
use regex_syntax::hir::{Capture, Hir, Look, Repetition};

/// Reads an expression.
pub(super) fn parse(expression: &str) -> Result<Hir, Re2Error> {
    let mut parser = Parser {
        text: expression.as_bytes(),
        at: 0,
        flags: Flags::default(),
        captures: 0,
        depth: 0,
    };
    let tree = parser.alternation()?;
    if parser.at < parser.text.len() {
        return Err(Re2Error(format!("unexpected ): {expression}")));
    }
    check_repetitions(&tree.repeats)?;
    Ok(tree.hir)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    flags: Flags,
    captures: u32,
    depth: u32,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// A tree, and the largest product of nested counted repetitions inside it with the text of the outermost.
struct Tree {
    hir: Hir,
    repeats: Repeats,
}

#[derive(Clone, Default)]
struct Repeats {
    product: u32,
    text: String,
}

impl Tree {
    fn leaf(hir: Hir) -> Self {
        Self {
            hir,
            repeats: Repeats::default(),
        }
    }
}

impl<'a> Parser<'a> {
    fn alternation(&mut self) -> Result<Tree, Re2Error> {
        let mut branches = Vec::new();
        let mut repeats = Repeats::default();
        loop {
            let branch = self.concatenation()?;
            keep_largest(&mut repeats, branch.repeats);
            branches.push(branch.hir);
            if !self.take(b'|') {
                let hir = Hir::alternation(branches);
                return Ok(Tree { hir, repeats });
            }
        }
    }

    fn concatenation(&mut self) -> Result<Tree, Re2Error> {
        let mut parts: Vec<Tree> = Vec::new();
        // Where the last repetition operator began, if the last thing read was one.
        let mut last_operator: Option<usize> = None;
        while let Some(byte) = self.peek() {
            let start = self.at;
            match byte {
                b'|' | b')' => break,
                b'*' | b'+' | b'?' | b'{' => {
                    let Some((min, max)) = self.repetition_operator()? else {
                        self.at += 1;
                        parts.push(self.literal(b'{'));
                        last_operator = None;
                        continue;
                    };
                    let lazy = self.take(b'?');
                    if let Some(first) = last_operator {
                        return Err(self.error("bad repetition operator", first));
                    }
                    let Some(operand) = parts.pop() else {
                        return Err(self.error("no argument for repetition operator", start));
                    };
                    let counted = byte == b'{';
                    parts.push(self.repeated(operand, min, max, lazy, counted.then_some(start)));
                    last_operator = Some(start);
                }
                b'(' => {
                    last_operator = None;
                    if let Some(group) = self.group()? {
                        parts.push(group);
                    }
                }
                b'\\' if self.rest().starts_with(b"\\Q") => {
                    self.at += 2;
                    let end = find(self.rest(), b"\\E");
                    let quoted = &self.rest()[..end.unwrap_or(self.rest().len())];
                    self.at += quoted.len() + if end.is_some() { 2 } else { 0 };
                    for byte in quoted {
                        let literal = self.literal(*byte);
                        parts.push(literal);
                    }
                    last_operator = None;
                }
                _ => {
                    last_operator = None;
                    let atom = self.atom(byte)?;
                    parts.push(Tree::leaf(atom));
                }
            }
        }
        let mut repeats = Repeats::default();
        let mut hirs = Vec::with_capacity(parts.len());
        for part in parts {
            keep_largest(&mut repeats, part.repeats);
            hirs.push(part.hir);
        }
        Ok(Tree {
            hir: Hir::concat(hirs),
            repeats,
        })
    }

    /// `*`, `+`, `?` or a well-formed `{n,m}`; none for a brace that is a literal.
    fn repetition_operator(&mut self) -> Result<Option<(u32, Option<u32>)>, Re2Error> {
        let start = self.at;
        let simple = match self.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            _ => return self.counted(start),
        };
        self.at += 1;
        Ok(Some(simple))
    }

    fn counted(&mut self, start: usize) -> Result<Option<(u32, Option<u32>)>, Re2Error> {
        self.at += 1;
        let Some(min) = self.integer() else {
            self.at = start;
            return Ok(None);
        };
        let max = if self.take(b',') {
            if self.peek() == Some(b'}') {
                None
            } else if let Some(max) = self.integer() {
                Some(max)
            } else {
                self.at = start;
                return Ok(None);
            }
        } else {
            Some(min)
        };
        if !self.take(b'}') {
            self.at = start;
            return Ok(None);
        }
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Err(self.error("invalid repetition size", start));
        }
        Ok(Some((min, max)))
    }

    /// A number without leading zeros.
    fn integer(&mut self) -> Option<u32> {
        let digits = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let text = &self.rest()[..digits];
        if digits == 0 || (digits > 1 && text[0] == b'0') {
            return None;
        }
        self.at += digits;
        // Longer numbers are too large anyhow.
        Some(text.iter().fold(0_u32, |n, b| {
            n.saturating_mul(10).saturating_add(u32::from(b - b'0'))
        }))
    }

    fn repeated(
        &self,
        operand: Tree,
        min: u32,
        max: Option<u32>,
        lazy: bool,
        counted_from: Option<usize>,
    ) -> Tree {
        let mut repeats = operand.repeats;
        if let Some(start) = counted_from {
            let factor = max.unwrap_or(min).max(1);
            repeats = Repeats {
                product: repeats.product.max(1).saturating_mul(factor),
                text: self.text_from(start),
            };
        }
        Tree {
            hir: Hir::repetition(Repetition {
                min,
                max,
                greedy: lazy == self.flags.swap_greed,
                sub: Box::new(operand.hir),
            }),
            repeats,
        }
    }

    /// A group, or nothing for a group of flags such as `(?i)`.
    fn group(&mut self) -> Result<Option<Tree>, Re2Error> {
        let start = self.at;
        let outer = self.flags;
        self.at += 1;
        let mut captures = true;
        if self.rest().starts_with(b"?P<") || self.is_named_group() {
            self.group_name(start)?;
        } else if self.take(b'?') {
            captures = false;
            if self.group_flags(start)? {
                return Ok(None);
            }
        }
        let index = if captures {
            self.captures += 1;
            Some(self.captures)
        } else {
            None
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Re2Error("expression nests too deeply".to_owned()));
        }
        let inner = self.alternation()?;
        self.depth -= 1;
        if !self.take(b')') {
            return Err(Re2Error(format!(
                "missing ): {}",
                String::from_utf8_lossy(self.text)
            )));
        }
        self.flags = outer;
        let Some(index) = index else {
            return Ok(Some(inner));
        };
        Ok(Some(Tree {
            hir: Hir::capture(Capture {
                index,
                // RE2 lets two groups share a name; the engine does not, and nobody asks for names.
                name: None,
                sub: Box::new(inner.hir),
            }),
            repeats: inner.repeats,
        }))
    }

    /// `(?<name>`, as opposed to the look-behinds `(?<=` and `(?<!`.
    fn is_named_group(&self) -> bool {
        let rest = self.rest();
        rest.starts_with(b"?<") && !rest.starts_with(b"?<=") && !rest.starts_with(b"?<!")
    }

    fn group_name(&mut self, start: usize) -> Result<(), Re2Error> {
        self.at += if self.rest().starts_with(b"?P<") {
            3
        } else {
            2
        };
        let Some(length) = self.rest().iter().position(|b| *b == b'>') else {
            self.at = self.text.len();
            return Err(self.error("invalid named capture group", start));
        };
        let name = &self.rest()[..length];
        self.at += length + 1;
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            return Err(self.error("invalid named capture group", start));
        }
        Ok(())
    }

    /// Reads `i`, `m`, `s`, `U` and their negations up to `:` (false) or `)` (true).
    fn group_flags(&mut self, start: usize) -> Result<bool, Re2Error> {
        let mut flags = self.flags;
        let mut value = true;
        let mut seen = false;
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.error("invalid perl operator", start));
            };
            self.at += 1;
            match byte {
                b'i' => flags.fold_case = value,
                b'm' => flags.multi_line = value,
                b's' => flags.dot_newline = value,
                b'U' => flags.swap_greed = value,
                b'-' if value => {
                    value = false;
                    seen = false;
                    continue;
                }
                b':' | b')' if value || seen => {
                    self.flags = flags;
                    return Ok(byte == b')');
                }
                b'<' if matches!(self.peek(), Some(b'=' | b'!')) => {
                    self.at += 1;
                    return Err(self.error("invalid perl operator", start));
                }
                _ => return Err(self.error("invalid perl operator", start)),
            }
            seen = true;
        }
    }

    fn atom(&mut self, byte: u8) -> Result<Hir, Re2Error> {
        if byte == b'\\' {
            return self.escaped_atom();
        }
        if byte == b'[' {
            return self.class();
        }
        self.at += 1;
        Ok(match byte {
            b'.' if self.flags.dot_newline => ByteSet::default().negated().into_hir(),
            b'.' => ByteSet::of(&[(b'\n', b'\n')]).negated().into_hir(),
            b'^' if self.flags.multi_line => Hir::look(Look::StartLF),
            b'^' => Hir::look(Look::Start),
            b'$' if self.flags.multi_line => Hir::look(Look::EndLF),
            b'$' => Hir::look(Look::End),
            _ => self.literal(byte).hir,
        })
    }

    fn escaped_atom(&mut self) -> Result<Hir, Re2Error> {
        let Some(&letter) = self.text.get(self.at + 1) else {
            return Err(Re2Error("trailing \\".to_owned()));
        };
        let look = match letter {
            b'A' => Some(Look::Start),
            b'z' => Some(Look::End),
            b'b' => Some(Look::WordAscii),
            b'B' => Some(Look::WordAsciiNegate),
            _ => None,
        };
        if let Some(look) = look {
            self.at += 2;
            return Ok(Hir::look(look));
        }
        if letter == b'C' {
            self.at += 2;
            return Ok(ByteSet::default().negated().into_hir());
        }
        if let Some(set) = perl(letter) {
            self.at += 2;
            return Ok(set.into_hir());
        }
        if matches!(letter, b'p' | b'P') {
            let set = self.unicode_class()?;
            return Ok(self.fold(set).into_hir());
        }
        let byte = self.escape()?;
        Ok(self.literal(byte).hir)
    }

    /// One escaped byte.
    fn escape(&mut self) -> Result<u8, Re2Error> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else {
            return Err(Re2Error("trailing \\".to_owned()));
        };
        self.at += 1;
        let value = match letter {
            b'1'..=b'7' if !matches!(self.peek(), Some(b'0'..=b'7')) => None,
            b'0'..=b'7' => {
                let mut code = u32::from(letter - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = self.peek() {
                        code = code * 8 + u32::from(digit - b'0');
                        self.at += 1;
                    }
                }
                u8::try_from(code).ok()
            }
            b'x' => self.hexadecimal(),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'a' => Some(7),
            b'f' => Some(12),
            b'v' => Some(11),
            _ if letter < 0x80 && !letter.is_ascii_alphanumeric() => Some(letter),
            _ => None,
        };
        value.ok_or_else(|| self.error("invalid escape sequence", start))
    }

    fn hexadecimal(&mut self) -> Option<u8> {
        let is_braced = self.take(b'{');
        let length = if is_braced {
            self.rest().iter().position(|b| *b == b'}')?
        } else {
            2
        };
        let digits = self.text.get(self.at..self.at + length)?;
        self.at += length;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        let value = u8::try_from(u32::from_str_radix(digits, 16).ok()?).ok()?;
        self.at += usize::from(is_braced);
        Some(value)
    }

    /// `\pN`, `\p{Name}`, `\P…` and `\p{^Name}`.
    fn unicode_class(&mut self) -> Result<ByteSet, Re2Error> {
        let start = self.at;
        let mut negated = self.text[self.at + 1] == b'P';
        self.at += 2;
        let name = if self.take(b'{') {
            let Some(length) = self.rest().iter().position(|b| *b == b'}') else {
                self.at = self.text.len();
                return Err(self.error("invalid character class range", start));
            };
            let name = &self.text[self.at..self.at + length];
            self.at += length + 1;
            name
        } else {
            let end = (self.at + 1).min(self.text.len());
            let name = &self.text[self.at..end];
            self.at = end;
            name
        };
        let name = String::from_utf8_lossy(name);
        let name = match name.strip_prefix('^') {
            Some(rest) => {
                negated = !negated;
                rest.to_owned()
            }
            None => name.into_owned(),
        };
        match unicode(&name) {
            Some(set) if negated => Ok(set.negated()),
            Some(set) => Ok(set),
            None => Err(self.error("invalid character class range", start)),
        }
    }

    /// `[…]`
    fn class(&mut self) -> Result<Hir, Re2Error> {
        let start = self.at;
        self.at += 1;
        let negated = self.take(b'^');
        let mut set = ByteSet::default();
        let mut first = true;
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.error("missing ]", start));
            };
            if byte == b']' && !first {
                self.at += 1;
                break;
            }
            first = false;
            if self.rest().starts_with(b"[:")
                && let Some(named) = self.posix_class()?
            {
                let named = self.fold(named);
                set.extend(&named);
                continue;
            }
            if byte == b'\\'
                && let Some(&letter) = self.text.get(self.at + 1)
            {
                if let Some(named) = perl(letter) {
                    self.at += 2;
                    set.extend(&named);
                    continue;
                }
                if matches!(letter, b'p' | b'P') {
                    let named = self.unicode_class()?;
                    let named = self.fold(named);
                    set.extend(&named);
                    continue;
                }
            }
            let range = self.class_range()?;
            let range = self.fold(range);
            set.extend(&range);
        }
        let set = if negated { set.negated() } else { set };
        Ok(set.into_hir())
    }

    fn class_range(&mut self) -> Result<ByteSet, Re2Error> {
        let start = self.at;
        let low = self.class_byte()?;
        let mut high = low;
        if self.peek() == Some(b'-') && self.text.get(self.at + 1).is_some_and(|b| *b != b']') {
            self.at += 1;
            high = self.class_byte()?;
            if high < low {
                return Err(self.error("invalid character class range", start));
            }
        }
        Ok(ByteSet::of(&[(low, high)]))
    }

    fn class_byte(&mut self) -> Result<u8, Re2Error> {
        match self.peek() {
            Some(b'\\') => self.escape(),
            Some(byte) => {
                self.at += 1;
                Ok(byte)
            }
            None => Err(Re2Error("missing ]".to_owned())),
        }
    }

    /// `[:name:]` and `[:^name:]`; nothing if it is none of that form.
    fn posix_class(&mut self) -> Result<Option<ByteSet>, Re2Error> {
        let start = self.at;
        let Some(length) = find(&self.rest()[2..], b":]") else {
            return Ok(None);
        };
        let name = String::from_utf8_lossy(&self.rest()[2..2 + length]).into_owned();
        self.at += length + 4;
        let (negated, name) = match name.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, name.as_str()),
        };
        match posix(name) {
            Some(set) if negated => Ok(Some(set.negated())),
            Some(set) => Ok(Some(set)),
            None => Err(self.error("invalid character class range", start)),
        }
    }

    fn literal(&self, byte: u8) -> Tree {
        let hir = match other_case(byte) {
            Some(other) if self.flags.fold_case => {
                ByteSet::of(&[(byte, byte), (other, other)]).into_hir()
            }
            _ => Hir::literal([byte]),
        };
        Tree::leaf(hir)
    }

    fn fold(&self, set: ByteSet) -> ByteSet {
        if self.flags.fold_case {
            set.folded()
        } else {
            set
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn text_from(&self, start: usize) -> String {
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    fn error(&self, message: &str, start: usize) -> Re2Error {
        Re2Error(format!("{message}: {}", self.text_from(start)))
    }
}

fn keep_largest(kept: &mut Repeats, other: Repeats) {
    if other.product > kept.product {
        *kept = other;
    }
}

fn check_repetitions(repeats: &Repeats) -> Result<(), Re2Error> {
    if repeats.product > MAX_REPEAT {
        return Err(Re2Error(format!(
            "invalid repetition size: {}",
            repeats.text
        )));
    }
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// RE2's limit, also for the product of nested repetitions.
const MAX_REPEAT: u32 = 1000;

/// Deep enough for any expression written by hand.
const MAX_DEPTH: u32 = 250;
