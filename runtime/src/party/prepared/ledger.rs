//! Which preparations are used up.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Reader, USED, failure, hex, io, private, sync_folder};
use crate::endpoint::Failure;

/// The ending of material that was used.
const ENDING: &str = ".used";

/// Where material is moved when it is used.
pub fn used(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ENDING);
    PathBuf::from(name)
}

/// Whether this is the name of material that was used.
pub(super) fn is_used(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    name.ends_with(ENDING.as_bytes())
}

/// Where used material is noted.
pub fn ledger(storage_key: &Path) -> PathBuf {
    storage_key.with_extension("consumed")
}

/// Uses material up, on disk, before any of it is used: its session goes to the ledger beside the
/// storage key, and its file gets the ending `.used`. The ledger is locked from the look to the line, so of
/// two processes only one gets through, also when each has a copy of its own.
///
/// # Errors
/// The material was used before, or that cannot be written down.
pub fn consume(reader: &Reader, storage_key: &Path) -> Result<(), Failure> {
    let path = reader.path();
    let again = || {
        let message = format!(
            "{}: the prepared material was used before; prepare anew",
            path.display()
        );
        failure(USED, message)
    };
    let session = hex(&reader.belongs().session);
    let ledger = ledger(storage_key);
    let unwritten = |e: std::io::Error| io(&ledger, "the ledger cannot be written", &e);
    if !note(&ledger, &session).map_err(unwritten)? {
        return Err(again());
    }
    match fs::rename(path, used(path)) {
        Ok(()) => sync_folder(path).map_err(|e| io(path, "the folder cannot be written", &e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(again()),
        Err(error) => Err(io(path, "the file cannot be renamed", &error)),
    }
}

/// Adds a session to a ledger, a line for each; false if it is there already. What could be written of a line
/// before an error is taken back, and a line that stayed unended all the same is ended first.
fn note(ledger: &Path, session: &str) -> std::io::Result<bool> {
    match private(ledger) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().read(true).write(true).open(ledger)?;
    // The lock ends with the file, whichever way this process does.
    file.lock()?;
    let mut text = vec![];
    file.read_to_end(&mut text)?;
    // A line behind a torn one still ends with its own session.
    let mut lines = text.split(|byte| *byte == b'\n');
    if lines.any(|line| line.trim_ascii().ends_with(session.as_bytes())) {
        return Ok(false);
    }
    let torn = text.last().is_some_and(|last| *last != b'\n');
    let line = format!("{}{session}\n", if torn { "\n" } else { "" });
    let written = file
        .write_all(line.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(ledger));
    if written.is_err() {
        // Nothing of the material was used. If this fails too, the next line begins with its own end.
        let _ = file.set_len(text.len() as u64);
    }
    written.map(|()| true)
}

/// After the run nothing of the material stays but that it was used.
pub(super) fn empty(path: &Path) {
    // What fails here leaves sealed bytes of masks that the ledger forbids to use again.
    let file = fs::OpenOptions::new().write(true).open(used(path));
    let _ = file.and_then(|file| file.set_len(0));
}
