//! The page behind each code: why, a wrong example, a right one.

/// Builds the table, so that a code is written once.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$(($code, include_str!(concat!("../explain/", $code, ".md")))),*]
    };
}

/// Every code with its page, sorted.
static PAGES: &[(&str, &str)] = pages![
    "A01", "A02", "D01", "D02", "D03", "D04", "K10", "K11", "K12", "K13", "K14", "K15", "K16",
    "K17", "K19", "N01", "N02", "N03", "N04", "N05", "R01", "R02", "R03", "R04", "R05", "R06",
    "R07", "T01", "T02", "T03", "U01",
];

/// The page of a code, in Markdown.
pub fn explain(code: &str) -> Option<&'static str> {
    PAGES
        .iter()
        .find(|(c, _)| *c == code)
        .map(|(_, page)| *page)
}

/// Every code of this crate.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}
