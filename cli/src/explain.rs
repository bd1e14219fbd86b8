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
    "I13", "I14", "I15", "I16", "I17", "I18", "I19", "I30", "I31", "I32", "I33", "I34", "I40",
    "I41", "I42", "I43", "I44", "I45", "I50", "I51", "I52", "P20", "P21", "P22", "S01", "S02",
    "S03", "S04", "S05", "S06", "S07", "S08",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

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

    /// The literals of a crate's sources that look like codes.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                used(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            for quoted in text.split('"') {
                let code = quoted.len() == 3 && quoted.starts_with(|c| "ACDGIKNPRSTU".contains(c));
                if code && quoted[1..].bytes().all(|b| b.is_ascii_digit()) {
                    found.insert(quoted.to_owned());
                }
            }
        }
    }

    #[test]
    fn a_code_has_one_meaning() {
        let checker: Vec<&str> = smpc_check::codes().collect();
        let protocol = smpc_protocol::CODES;
        let mut seen = BTreeSet::new();
        for code in CODES.iter().chain(&checker).chain(protocol) {
            assert!(seen.insert(*code), "{code} has two pages");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for entry in fs::read_dir(&root).expect("the project") {
            let folder = entry.expect("an entry").path();
            let name = folder.file_name().unwrap_or_default().to_owned();
            // These make up scripts.
            let tests = name == "tests" || name == "fuzz" || name == "bench";
            if tests || !folder.join("src").is_dir() {
                continue;
            }
            let own = match name.to_str() {
                Some("check") => &checker,
                Some("protocol") => &protocol.to_vec(),
                // A `cost` clause means the same on a function as on a protocol.
                Some("driver") => {
                    let costs = protocol.iter().filter(|code| code.starts_with('C'));
                    &CODES.iter().chain(costs).copied().collect()
                }
                _ => &CODES.to_vec(),
            };
            let mut found = BTreeSet::new();
            used(&folder.join("src"), &mut found);
            for code in found.iter().filter(|c| *c != "U01") {
                assert!(
                    own.contains(&code.as_str()),
                    "{code} in {name:?} is another's, or has no page"
                );
            }
        }
    }
}
