//! Which preparations are used up.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Reader, USED, failure, hex, io, private, sync_folder};
use crate::endpoint::Failure;

/// Where material is moved when it is used.
pub(super) fn used(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".used");
    PathBuf::from(name)
}

/// Uses material up, on disk, before any of it is used: its session goes to the ledger beside the
/// storage key, and its file gets the ending `.used`. Of two processes only one gets through.
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
    let ledger = storage_key.with_extension("consumed");
    let unwritten = |e: std::io::Error| io(&ledger, "the ledger cannot be written", &e);
    match fs::read_to_string(&ledger) {
        Ok(text) if text.lines().any(|line| line.trim() == session) => return Err(again()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            drop(private(&ledger).map_err(unwritten)?);
        }
        Err(error) => return Err(unwritten(error)),
    }
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(&ledger)
        .map_err(unwritten)?;
    file.write_all(format!("{session}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(&ledger))
        .map_err(unwritten)?;
    match fs::rename(path, used(path)) {
        Ok(()) => sync_folder(path).map_err(|e| io(path, "the folder cannot be written", &e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(again()),
        Err(error) => Err(io(path, "the file cannot be renamed", &error)),
    }
}

/// After the run nothing of the material stays but that it was used.
pub(super) fn empty(path: &Path) {
    // What fails here leaves sealed bytes of masks that the ledger forbids to use again.
    let file = fs::OpenOptions::new().write(true).open(used(path));
    let _ = file.and_then(|file| file.set_len(0));
}
