//! Text: how wide it is, and how it is written into a document.

/// How wide a text is, in pixels.
pub(crate) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let widths = if bold { &SEMI_BOLD } else { &REGULAR };
    let thousandths: u32 = text
        .chars()
        .map(|c| {
            let place = (c as usize).checked_sub(32);
            let width = place.and_then(|place| widths.get(place));
            u32::from(width.copied().unwrap_or(OTHER))
        })
        .sum();
    f64::from(thousandths) * size / 1000.0
}

/// The text, cut with an ellipsis where it is wider than `width` pixels.
pub(crate) fn fit(text: &str, size: f64, bold: bool, width: f64) -> String {
    if text_width(text, size, bold) <= width {
        return text.to_owned();
    }
    let mut cut = text.to_owned();
    while cut.pop().is_some() {
        let shown = format!("{}…", cut.trim_end());
        if text_width(&shown, size, bold) <= width {
            return shown;
        }
    }
    String::new()
}

/// A name, without its middle where it is wider than `width` pixels: names of one app differ at their ends.
pub(crate) fn fit_name(name: &str, size: f64, bold: bool, width: f64) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kept = letters.len();
    let mut shown = name.to_owned();
    while text_width(&shown, size, bold) > width {
        if kept < 2 {
            return String::new();
        }
        kept -= 1;
        let head = kept / 2;
        let tail = letters.len() - (kept - head);
        let part = |letters: &[char]| letters.iter().collect::<String>();
        shown = format!("{}…{}", part(&letters[..head]), part(&letters[tail..]));
    }
    shown
}

/// Text between tags.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The width of characters that are not in the tables below.
const OTHER: u16 = 640;

/// Widths of the printable ASCII characters in Inter Regular, in thousandths of the font size.
const REGULAR: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357, 625, 464, 605,
    636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507, 936, 676, 651, 727, 719, 598,
    587, 743, 740, 264, 543, 652, 562, 889, 753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642,
    665, 625, 362, 357, 362, 469, 452, 497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544,
    237, 869, 585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
];

/// The same in Inter SemiBold.
const SEMI_BOLD: [u16; 95] = [
    248, 309, 396, 643, 649, 844, 663, 213, 393, 393, 543, 673, 295, 466, 290, 379, 667, 481, 621,
    652, 666, 632, 648, 587, 646, 648, 290, 295, 673, 673, 673, 544, 999, 724, 657, 744, 724, 608,
    586, 755, 744, 275, 561, 677, 566, 906, 741, 775, 643, 776, 651, 649, 660, 734, 724, 1007, 690,
    705, 653, 393, 379, 393, 481, 468, 497, 575, 630, 577, 630, 593, 377, 625, 613, 261, 261, 569,
    261, 898, 610, 608, 625, 625, 397, 549, 380, 608, 576, 837, 562, 576, 562, 393, 358, 393, 673,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_cut() {
        assert_eq!(escape("a<b> & \"c\"\n"), "a&lt;b&gt; &amp; &quot;c&quot; ");
        assert_eq!(fit("productpage", 10.0, false, 1000.0), "productpage");
        let cut = fit("productpage", 10.0, false, 40.0);
        assert!(
            cut.ends_with('…') && text_width(&cut, 10.0, false) <= 40.0,
            "{cut}"
        );
        assert_eq!(fit_name("reviews-v2", 10.0, false, 1000.0), "reviews-v2");
        let cut = fit_name("helloworld-region1.zone2", 10.0, false, 80.0);
        assert!(cut.starts_with("hello") && cut.ends_with(".zone2"), "{cut}");
        assert_eq!(fit_name("reviews-v2", 10.0, false, 1.0), "");
    }
}
