//! Runs the built command in a folder of its own.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run left behind.
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The folder with the example scripts.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// Writes a file below a folder, with the folders between.
pub fn write(base: &Path, file: &str, bytes: impl AsRef<[u8]>) {
    let path = base.join(file);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder for the file");
    std::fs::write(path, bytes).expect("a writable file");
}

/// Runs `smpc` in a folder. A panic fails the test whatever it expects.
pub fn smpc(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_smpc"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the built command starts");
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
    assert_ne!(ran.code, -1, "{args:?} was killed: {}", ran.err);
    ran
}

/// The JSON document that a run printed.
pub fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err))
}
