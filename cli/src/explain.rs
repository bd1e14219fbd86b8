//! Pages of `smpc explain`: those of the grammar, of inputs and runs are here; the checker and
//! the protocol compiler bring theirs.

/// The page of a code.
pub fn page(code: &str) -> Option<&'static str> {
    own(code)
        .or_else(|| smpc_check::explain(code))
        .or_else(|| smpc_protocol::explain(code))
}

/// One table: a code and its page.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        /// Codes explained here.
        #[cfg(test)]
        const CODES: &[&str] = &[$($code),*];

        fn own(code: &str) -> Option<&'static str> {
            match code {
                $($code => Some(include_str!(concat!("../explain/", $code, ".md"))),)*
                _ => None,
            }
        }
    };
}

pages![
    "G01", "I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I10", "I11", "I12",
    "I13", "I14", "I15", "I16", "I17", "I18", "I30", "I31", "I32", "I33", "I40", "I41", "I42",
    "I43", "I44", "I45", "I50", "I51", "I52", "P20", "P21", "P22", "S01", "S02", "S03", "S04",
    "S05", "S06", "S07", "S08",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_wrong_right_and_why() {
        for code in CODES {
            let text = page(code).unwrap_or("");
            assert!(text.starts_with(&format!("# {code}: ")), "{code}");
            for part in ["## Wrong", "## Right", "## Why"] {
                assert!(text.contains(part), "{code} lacks {part}");
            }
        }
    }

    #[test]
    fn every_code_used_here_has_a_page() {
        let texts = [
            include_str!("../../driver/src/bind.rs"),
            include_str!("../../driver/src/code.rs"),
            include_str!("../../driver/src/load.rs"),
            include_str!("../../driver/src/pipeline.rs"),
            include_str!("commands/mod.rs"),
            include_str!("commands/fmt.rs"),
            include_str!("commands/keygen.rs"),
            include_str!("commands/new.rs"),
            include_str!("commands/party.rs"),
            include_str!("commands/prepare.rs"),
            include_str!("commands/schemes.rs"),
            include_str!("../../runtime/src/files/mod.rs"),
            include_str!("../../runtime/src/net/error.rs"),
            include_str!("../../runtime/src/party/mod.rs"),
            include_str!("../../runtime/src/party/prepared/mod.rs"),
            include_str!("../../runtime/src/files/element.rs"),
            include_str!("../../runtime/src/files/json.rs"),
            include_str!("../../runtime/src/files/npy.rs"),
            include_str!("../../runtime/src/files/store.rs"),
            include_str!("../../runtime/src/files/table.rs"),
        ];
        for text in texts {
            for quoted in text.split('"') {
                let code = quoted.len() == 3 && quoted.starts_with(['I', 'S']);
                if code && quoted[1..].bytes().all(|b| b.is_ascii_digit()) {
                    assert!(page(quoted).is_some(), "{quoted} has no page");
                }
            }
        }
    }
}
