//! Files that appear whole or not at all.
//!
//! Contents go to temporary files beside their destination, are forced to the disk, and only then
//! take their names. An error at any file takes back the others. What a crash of the machine in
//! the middle of renaming leaves is a set of whole files, not all of them new. A device, a pipe, or what
//! this process has open (`/dev/stdout`) is written into when the files take their names; of a link the file
//! that it leads to is written.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Problem;
use super::name::{is_stream, open_stream, resolved};

/// How often folders are made anew that others take away.
const TURNS: usize = 100;

/// Files on the disk that do not have their names yet. Dropping it removes them.
#[derive(Debug, Default)]
pub struct Staged {
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
    /// For what is no file of its own: a device, a pipe.
    stream: Option<Vec<u8>>,
    /// Where the contents are until the file has its name.
    temporary: Option<PathBuf>,
    /// What had the name before, until all files have theirs.
    backup: Option<PathBuf>,
    /// Whether the file has its name.
    placed: bool,
}

/// Writes every file, all or none.
///
/// # Errors
/// Something cannot be written; nothing is.
pub fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Problem> {
    stage(files)?.commit()
}

/// Writes the contents of every file to the disk, beside where it is to be.
///
/// # Errors
/// Something cannot be written; nothing is left.
pub fn stage(files: &[(PathBuf, Vec<u8>)]) -> Result<Staged, Problem> {
    let mut staged = Staged::default();
    for (target, contents) in files {
        staged
            .add(target, contents)
            .map_err(|error| unwritten(target, &error))?;
    }
    Ok(staged)
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
        no_folder(named)?;
        if is_stream(named) {
            self.files.push(Waiting {
                named: named.to_owned(),
                target: named.to_owned(),
                stream: Some(contents.to_owned()),
                temporary: None,
                backup: None,
                placed: false,
            });
            return Ok(());
        }
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
            stream: None,
            temporary: Some(temporary),
            backup: None,
            placed: false,
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

    /// Gives every file its name.
    ///
    /// # Errors
    /// A file cannot be renamed; those that were are taken back.
    pub fn commit(mut self) -> Result<(), Problem> {
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
        if let Some(contents) = self.stream.take() {
            return open_stream(&self.target)?.write_all(&contents);
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
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("smpc-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_appear_and_nothing_else() {
        let base = folder("all");
        fs::write(base.join("a.csv"), "old").unwrap();
        let files = [
            (base.join("a.csv"), b"1\n".to_vec()),
            (base.join("x/y/b.csv"), b"2\n".to_vec()),
        ];
        write_all(&files).unwrap();
        assert_eq!(names(&base), ["a.csv", "x"]);
        assert_eq!(names(&base.join("x/y")), ["b.csv"]);
        assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"1\n");
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn an_error_leaves_everything_as_it_was() {
        let base = folder("error");
        fs::write(base.join("a.csv"), "old").unwrap();
        fs::create_dir(base.join("c.csv")).unwrap();
        let files = [
            (base.join("a.csv"), b"1\n".to_vec()),
            (base.join("new/b.csv"), b"2\n".to_vec()),
            (base.join("c.csv"), b"3\n".to_vec()),
        ];
        assert_eq!(write_all(&files).unwrap_err().code, "I15");
        assert_eq!(names(&base), ["a.csv", "c.csv"]);
        // The folder comes between: files that had their names lose them again.
        fs::remove_dir(base.join("c.csv")).unwrap();
        let staged = stage(&files).unwrap();
        assert_eq!(names(&base.join("new")).len(), 1);
        fs::create_dir(base.join("c.csv")).unwrap();
        fs::write(base.join("c.csv/inside"), "").unwrap();
        assert_eq!(staged.commit().unwrap_err().code, "I15");
        assert_eq!(names(&base), ["a.csv", "c.csv"]);
        assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"old");
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let base = folder("drop");
        drop(stage(&[(base.join("d/a.csv"), b"1\n".to_vec())]).unwrap());
        assert!(names(&base).is_empty());
        fs::remove_dir_all(base).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_stays_one() {
        let base = folder("device");
        let link = base.join("full");
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        let files = [(base.join("a.csv"), vec![1]), (link.clone(), vec![2])];
        assert_eq!(write_all(&files).unwrap_err().code, "I15");
        assert_eq!(names(&base), ["full"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_dir_all(base).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let base = folder("link");
        fs::create_dir(base.join("far")).unwrap();
        fs::write(base.join("far/a.csv"), "old").unwrap();
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(base.join("far/a.csv"), private).unwrap();
        symlink("far/a.csv", base.join("a.csv")).unwrap();
        symlink("far/b.csv", base.join("b.csv")).unwrap();
        let files = ["a.csv", "b.csv"].map(|name| (base.join(name), b"new".to_vec()));
        drop(stage(&files).unwrap());
        assert_eq!(fs::read(base.join("a.csv")).unwrap(), b"old");
        write_all(&files).unwrap();
        assert_eq!(names(&base), ["a.csv", "b.csv", "far"]);
        assert_eq!(names(&base.join("far")), ["a.csv", "b.csv"]);
        for name in ["a.csv", "b.csv"] {
            assert!(fs::symlink_metadata(base.join(name)).unwrap().is_symlink());
            assert_eq!(fs::read(base.join("far").join(name)).unwrap(), b"new");
        }
        let about = fs::metadata(base.join("far/a.csv")).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(base).unwrap();
    }

    /// A file that is open already is written into: whoever has it open would see nothing of a new one.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_open_stays_itself() {
        use std::os::fd::AsRawFd as _;
        let base = folder("open");
        let path = base.join("log");
        let mut open = File::create(&path).unwrap();
        open.write_all(b"first\n").unwrap();
        let link = base.join("link");
        let descriptor = format!("/proc/self/fd/{}", open.as_raw_fd());
        std::os::unix::fs::symlink(descriptor, &link).unwrap();
        write_all(&[(link.clone(), b"second\n".to_vec())]).unwrap();
        assert_eq!(names(&base), ["link", "log"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let same = open.metadata().unwrap();
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(same.ino(), fs::metadata(&path).unwrap().ino());
        assert_eq!(fs::read(&path).unwrap(), b"first\nsecond\n");
        fs::remove_dir_all(base).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_full_disk_is_told() {
        // A folder that is no folder stands for every error of the system.
        let error = write_all(&[(PathBuf::from("/dev/null/a.csv"), vec![1])]).unwrap_err();
        assert_eq!(error.code, "I15");
        assert_eq!(error.path, "/dev/null/a.csv");
    }
    /// One that fails takes its folders away, and another needs them at that moment.
    #[test]
    fn folders_that_others_take_away() {
        let base = folder("contest");
        let stages = |name: &str| {
            let files = [(base.join("out").join(name).join("t.csv"), b"1\n".to_vec())];
            for _ in 0..2_000 {
                stage(&files).expect("the folder is made");
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| stages("alice"));
            scope.spawn(|| stages("bob"));
        });
        fs::remove_dir_all(base).unwrap();
    }
}
