//! Shared by the end-to-end tests: the pipeline from text to outputs, in process, and the
//! texts it is fed: the conformance programs and the examples of the language reference.

pub mod case;
pub mod echo;
pub mod folder;
pub mod generated;
pub mod inside;
pub mod pipeline;
pub mod process;
pub mod random;
pub mod run;
pub mod tamper;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The conformance programs, by file name, sorted.
///
/// # Panics
/// The folder cannot be read.
pub fn programs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the folder of programs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "smpc"))
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(&path).expect("a program is text"))
        })
        .collect();
    found.sort();
    found
}

/// The scripts of the project's examples, by name, sorted.
pub const EXAMPLES: [&str; 12] = [
    "attention",
    "average_salary",
    "bounded_while",
    "breast_cancer",
    "effect_size",
    "genomic",
    "group_by",
    "keyword",
    "radix_sort",
    "recsys",
    "survival",
    "vickrey",
];

/// The text of an example and the folder of its inputs.
///
/// # Panics
/// There is no such example.
pub fn example(name: &str) -> (String, PathBuf) {
    let folder = root().join("examples");
    let text = fs::read_to_string(folder.join(format!("{name}.smpc"))).expect("the example");
    (text, folder.join(name))
}

/// An example of the language reference.
#[derive(Clone, Debug)]
pub struct Example {
    /// The line of its fence, from 1.
    pub line: usize,
    /// Words after `smpc` on the fence: `fragment`, `scheme`, `error=K10`.
    pub tags: Vec<String>,
    /// The text between the fences.
    pub text: String,
}

impl Example {
    /// The code it must fail with, if it must.
    pub fn error(&self) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix("error="))
    }

    /// Whether the fence carries this word.
    pub fn is(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }
}

/// Every block of the language reference marked `smpc`.
///
/// # Panics
/// The reference cannot be read.
pub fn reference_blocks() -> Vec<Example> {
    let text = fs::read_to_string(root().join("docs/language.md")).expect("the reference");
    let mut blocks = Vec::new();
    let mut open: Option<Example> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {
                if let Some(rest) = line.strip_prefix("```smpc") {
                    let tags = rest.split(',').map(str::trim).filter(|t| !t.is_empty());
                    open = Some(Example {
                        line: at + 1,
                        tags: tags.map(str::to_owned).collect(),
                        text: String::new(),
                    });
                }
            }
        }
    }
    blocks
}
