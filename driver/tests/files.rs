//! What a compiled script is made of: a build is repeated when one of these files changes.

use smpc_driver::{Binding, compile};
use smpc_grammar::Sources;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("smpc-files-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const USER: &str = "party a, b; use \"./lib/other.smpc\"; use \"lib/../lib/other.smpc\" as same; use std::sorting;
    approx f(t: fix) = 1 / (1 + exp(-t)) on -8..8 within 0.002 outside saturate(0, 1);
    input x: fix from a; reveal other::twice(f(share x)) + same::twice(1.0) to b as y; leaks y to b;";

/// The names of the files that a script was compiled from, or its errors.
fn compiled(folder: &Folder, files: &[(&str, &[u8])]) -> Result<Vec<String>, Vec<String>> {
    for (name, text) in files {
        let path = folder.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let binding = Binding {
        base: folder.0.clone(),
        ..Binding::default()
    };
    let mut sources = Sources::new();
    let script = Path::new("in/script.smpc");
    match compile(&mut sources, script, &binding) {
        Ok(compiled) => {
            let files = compiled.files(&sources);
            Ok(files.into_iter().map(str::to_owned).collect())
        }
        Err(failure) => Err(failure.lines(&sources)),
    }
}

/// What an `approx` becomes is no file, and neither is the library. A path is relative to the file that it stands in.
#[test]
fn files_are_those_that_were_read() {
    let folder = Folder::new("read");
    let files: [(&str, &[u8]); 4] = [
        ("in/script.smpc", USER.as_bytes()),
        (
            "in/lib/other.smpc",
            b"use \"./more.smpc\"; fn twice(x: fix) -> fix { more::sum(x, x) }",
        ),
        (
            "in/lib/more.smpc",
            b"fn sum(x: fix, y: fix) -> fix { x + y }",
        ),
        ("in/more.smpc", b"fn sum(x: fix) -> fix { x }"),
    ];
    let expected = ["in/script.smpc", "in/lib/other.smpc", "in/lib/more.smpc"];
    assert_eq!(compiled(&folder, &files).unwrap(), expected);
}

#[test]
fn errors_name_the_file() {
    let folder = Folder::new("errors");
    let script = ("in/script.smpc", USER.as_bytes());
    let told = |text: &'static [u8]| {
        let files = [script, ("in/lib/other.smpc", text)];
        compiled(&folder, &files).unwrap_err().join("\n")
    };
    let syntax = told(b"fn twice(x: fix) -> fix { 2 * }");
    assert!(
        syntax.contains("in/lib/other.smpc:1:29: error[S01]"),
        "{syntax}"
    );
    let bytes = told(b"fn twice\xff");
    assert!(bytes.contains("the file `in/lib/other.smpc`: "), "{bytes}");
    let missing = told(b"use \"./none.smpc\"; fn twice(x: fix) -> fix { x }");
    assert!(
        missing.contains("there is no file `in/lib/none.smpc`"),
        "{missing}"
    );
}
