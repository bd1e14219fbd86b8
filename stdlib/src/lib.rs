//! The standard library of smpc: `.smpc` text, embedded in the binary.
//!
//! No protocol is written in Rust. A scheme exists because its file is in
//! `schemes/` and its line is in [`modules`]; remove both and it is gone. A
//! test holds the table and the folders to the same list.

/// One embedded file of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module {
    /// The file's path below the library's root, without `.smpc`: `schemes/rep3`.
    pub path: &'static str,
    /// The whole text of the file.
    pub text: &'static str,
}

/// Builds the table from paths, so that a path is written once.
macro_rules! embed {
    ($($path:literal),* $(,)?) => {
        &[$(Module {
            path: $path,
            text: include_str!(concat!("../", $path, ".smpc")),
        }),*]
    };
}

/// Every embedded file, sorted by path.
static MODULES: &[Module] = embed![
    "generic/compare",
    "generic/integers",
    "generic/trunc",
    "math/activation",
    "math/fine",
    "math/linear",
    "math/order",
    "math/root",
    "math/rounding",
    "math/scale",
    "math/sigmoid",
    "math/sorting",
    "math/statistics",
    "math/tables",
    "math/trigonometry",
    "ml/backward",
    "ml/kmeans",
    "ml/logistic",
    "ml/nn",
    "ml/optimise",
    "prelude",
    "schemes/aby",
    "schemes/additive",
    "schemes/astra",
    "schemes/fantastic4",
    "schemes/gmw",
    "schemes/plain",
    "schemes/rep3",
    "schemes/rep3_malicious",
    "schemes/rep3_malicious_ring",
    "schemes/secagg",
    "schemes/securenn",
    "schemes/shamir",
    "schemes/spdz",
    "schemes/spdz2k",
];

/// Every file of the library, sorted by path.
pub fn modules() -> &'static [Module] {
    MODULES
}

/// The file with this path (`schemes/rep3`), if the library has one.
pub fn module(path: &str) -> Option<&'static Module> {
    MODULES
        .binary_search_by(|module| module.path.cmp(path))
        .ok()
        .map(|at| &MODULES[at])
}

/// The file that a script names `std::name`: itself, or below `ml/` or `math/`.
pub fn used(name: &str) -> Option<&'static Module> {
    let below = ["ml", "math"].map(|folder| format!("{folder}/{name}"));
    module(name).or_else(|| below.iter().find_map(|path| module(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Collects the `.smpc` files below `folder`, as paths below `root` without the ending.
    fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("readable folder") {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                collect(root, &path, found);
            } else if path.extension().is_some_and(|ending| ending == "smpc") {
                let below = path.strip_prefix(root).expect("below the root");
                let name = below.with_extension("");
                let parts: Vec<_> = name.iter().map(|p| p.to_str().expect("UTF-8")).collect();
                found.push(parts.join("/"));
            }
        }
    }

    #[test]
    fn the_table_and_the_folders_list_the_same_files() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        collect(root, root, &mut found);
        found.sort();
        let listed: Vec<_> = modules().iter().map(|module| module.path).collect();
        assert_eq!(listed, found);
    }

    #[test]
    fn a_module_is_found_by_its_path() {
        for listed in modules() {
            assert_eq!(module(listed.path), Some(listed));
            assert!(!listed.text.trim().is_empty(), "{} is empty", listed.path);
        }
        assert_eq!(module("schemes/no_such_scheme"), None);
    }
}
