//! The documents of a YAML file, one by one.

use manifest::Source;

/// The documents of a file as files of their own, in which everything keeps its line.
pub(crate) fn documents(source: &Source) -> Vec<Source> {
    let mut texts = vec![String::new()];
    for (line, text) in source.text.lines().enumerate() {
        if text.trim_end() == "---" {
            texts.push("\n".repeat(line + 1));
        } else {
            let last = texts.last_mut().expect("there is a first");
            *last += text;
            last.push('\n');
        }
    }
    let has_content = |text: &String| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let texts = texts.into_iter().filter(has_content);
    texts
        .map(|text| Source::new(source.name.clone(), text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_lines() {
        let source = Source::new(
            "t.yaml",
            "# nothing\n---\ntestCases: []\n---\n\ntestCases: [x]\n",
        );
        let texts: Vec<String> = documents(&source).into_iter().map(|one| one.text).collect();
        assert_eq!(texts, ["\n\ntestCases: []\n", "\n\n\n\n\ntestCases: [x]\n"]);
    }
}
