//! Files that appear whole or not at all.
//!
//! Contents go to temporary files beside their destination, are forced to the disk, and only then
//! take their names. An error at any file takes back the others. What a crash of the machine in
//! the middle of renaming leaves is a set of whole files, not all of them new. Of a link the file that it leads to is
//! written. A device, a pipe, or what this process has open (`/dev/stdout`) is opened first of all, and written into
//! before the first file takes its name: what went there is all that an error does not take back.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::Problem;
use super::name::resolved;
use super::stream::{Patience, Stream, is_stream};

/// How often folders are made anew that others take away.
const TURNS: usize = 100;

/// Files on the disk that do not have their names yet. Dropping it removes them.
#[derive(Debug, Default)]
pub struct Staged {
    patience: Patience,
    /// What is no file of its own, open, with what is to be written there.
    streams: Vec<(PathBuf, Stream, Vec<u8>)>,
    files: Vec<Waiting>,
    /// Folders that were made for them, outermost first.
    folders: Vec<PathBuf>,
}

#[derive(Debug)]
struct Waiting {
    /// As it was named.
    named: PathBuf,
    /// Where it is to be.
    target: PathBuf,
    /// Where the contents are until the file has its name.
    temporary: Option<PathBuf>,
    /// What had the name before, until all files have theirs.
    backup: Option<PathBuf>,
    /// Whether the file has its name.
    placed: bool,
    /// There is no new file: the old one goes.
    goes: bool,
}

/// Writes every file, all or none.
///
/// # Errors
/// Something cannot be written; nothing is, but what went into a pipe or to a device.
pub fn write_all(files: &[(PathBuf, Vec<u8>)], patience: Patience) -> Result<(), Problem> {
    stage(files, patience)?.commit()
}

/// Whether a file could be written here, as far as can be told without waiting for who reads a pipe.
///
/// # Errors
/// It could not.
pub fn writable(path: &Path) -> Result<(), Problem> {
    if is_stream(path) && !path.is_dir() {
        return Ok(());
    }
    // What is dropped is removed.
    stage(&[(path.to_owned(), vec![])], Patience::default()).map(drop)
}

/// Writes the contents of every file to the disk, beside where it is to be, and opens what is no file.
///
/// # Errors
/// Something cannot be written, two are one file, or nobody reads a pipe; nothing is left.
pub fn stage(files: &[(PathBuf, Vec<u8>)], patience: Patience) -> Result<Staged, Problem> {
    let mut staged = Staged::default();
    staged.patience = patience;
    let since = Instant::now();
    let mut plain = vec![];
    for (path, contents) in files {
        no_folder(path).map_err(|error| unwritten(path, &error))?;
        if is_stream(path) {
            let stream = Stream::open(path, &patience, since);
            let stream = stream.map_err(|error| unwritten(path, &error))?;
            staged
                .streams
                .push((path.clone(), stream, contents.clone()));
        } else {
            plain.push((path, contents));
        }
    }
    // As they are before anything is made.
    let mut named: HashMap<PathBuf, &Path> = HashMap::new();
    for (path, _) in &plain {
        if let Some(other) = named.insert(resolved(path), path) {
            return Err(one_file(other, path));
        }
    }
    for (path, contents) in plain {
        let added = staged.add(path, contents);
        added.map_err(|error| unwritten(path, &error))?;
    }
    Ok(staged)
}

/// The problem of two names of one file.
pub(super) fn one_file(first: &Path, second: &Path) -> Problem {
    let message = format!("this and {} are one file", first.display());
    Problem::new("I15", message, second.display().to_string())
        .help("one would be lost: remove the link that leads from one to the other, or from both to the same place")
}

fn unwritten(path: &Path, error: &io::Error) -> Problem {
    Problem::new(
        "I15",
        format!("the file cannot be written: {error}"),
        path.display().to_string(),
    )
}

/// A folder could be renamed away like a file.
fn no_folder(target: &Path) -> io::Result<()> {
    if target.is_dir() {
        return Err(io::Error::other("there is a folder of this name"));
    }
    Ok(())
}

/// A name beside `target` that nothing has.
fn beside(target: &Path, ending: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}-{number}.{ending}", std::process::id()));
    target.with_file_name(name)
}

impl Staged {
    fn add(&mut self, named: &Path, contents: &[u8]) -> io::Result<()> {
        let target = match fs::symlink_metadata(named) {
            Ok(about) if about.is_symlink() => resolved(named),
            _ => named.to_owned(),
        };
        let temporary = beside(&target, "tmp");
        let mut file = self.open(&target, &temporary)?;
        if let Ok(old) = fs::metadata(&target) {
            // Who could not read the old contents is not to read the new ones; not every file system knows of that.
            let _ = file.set_permissions(old.permissions());
        }
        self.files.push(Waiting {
            named: named.to_owned(),
            target,
            temporary: Some(temporary),
            backup: None,
            placed: false,
            goes: false,
        });
        file.write_all(contents)?;
        file.sync_all()
    }

    /// Opens a new file beside `target`, in a folder that is made if need be.
    ///
    /// A party of the same machine that fails takes away the folders it made, and with them one
    /// that another has just found there and not yet filled: then it is made anew.
    fn open(&mut self, target: &Path, temporary: &Path) -> io::Result<File> {
        let mut turn = 0;
        loop {
            let made = target.parent().map_or(Ok(()), |folder| self.make(folder));
            // A file that is there already, or a link, is not ours to follow.
            let opened = made.and_then(|()| {
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(temporary)
            });
            match opened {
                Err(error) if error.kind() == io::ErrorKind::NotFound && turn < TURNS => turn += 1,
                opened => return opened,
            }
        }
    }

    fn make(&mut self, folder: &Path) -> io::Result<()> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make(parent)?;
        }
        match fs::create_dir(folder) {
            Ok(()) => self.folders.push(folder.to_owned()),
            // Another party of the same machine may have been faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes files away when these have their names: those of an earlier run, which this one would not have written. One
    /// that is gone by then is none.
    #[must_use]
    pub fn without(mut self, old: impl IntoIterator<Item = PathBuf>) -> Self {
        self.files.extend(old.into_iter().map(|path| Waiting {
            named: path.clone(),
            target: path,
            temporary: None,
            backup: None,
            placed: false,
            goes: true,
        }));
        self
    }

    /// Writes what is no file, and gives every file its name.
    ///
    /// # Errors
    /// Something cannot be written, or a file renamed; those that were are taken back.
    pub fn commit(mut self) -> Result<(), Problem> {
        for (named, stream, contents) in &mut self.streams {
            stream
                .write(contents, &self.patience)
                .map_err(|error| unwritten(named, &error))?;
        }
        for waiting in &mut self.files {
            waiting
                .place()
                .map_err(|error| unwritten(&waiting.named, &error))?;
        }
        let mut folders: Vec<PathBuf> = vec![];
        for waiting in &mut self.files {
            waiting.placed = false;
            if let Some(backup) = waiting.backup.take() {
                // The new file is there; an old one that stays is no harm.
                let _ = fs::remove_file(backup);
            }
            let folder = waiting.target.parent().map(Path::to_owned);
            folders.extend(folder.filter(|folder| !folders.contains(folder)));
        }
        let made = std::mem::take(&mut self.folders);
        folders.extend(made.iter().filter_map(|f| f.parent().map(Path::to_owned)));
        for folder in folders {
            sync_folder(&folder);
        }
        Ok(())
    }
}

/// Names are on the disk once their folder is. Not every system can force that.
fn sync_folder(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

impl Waiting {
    fn place(&mut self) -> io::Result<()> {
        if self.goes {
            let backup = beside(&self.target, "old");
            match fs::rename(&self.target, &backup) {
                Ok(()) => self.backup = Some(backup),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            return Ok(());
        }
        let Some(temporary) = self.temporary.clone() else {
            return Ok(());
        };
        no_folder(&self.target)?;
        if fs::symlink_metadata(&self.target).is_ok() {
            let backup = beside(&self.target, "old");
            // A second name keeps the old contents in place until the new ones are; not every
            // file system has them.
            if fs::hard_link(&self.target, &backup).is_err() {
                fs::rename(&self.target, &backup)?;
            }
            self.backup = Some(backup);
        }
        fs::rename(&temporary, &self.target)?;
        self.temporary = None;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Nothing can be done about errors here, and an earlier one is being told.
        for waiting in self.files.iter_mut().rev() {
            if let Some(temporary) = waiting.temporary.take() {
                let _ = fs::remove_file(temporary);
            }
            match waiting.backup.take() {
                Some(backup) => {
                    let _ = fs::rename(backup, &waiting.target);
                }
                None if waiting.placed => {
                    let _ = fs::remove_file(&waiting.target);
                }
                None => {}
            }
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests;
